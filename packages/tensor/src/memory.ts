// Who gives the memory of a storage back, and when. A storage belongs to nobody, and then the garbage collector
// finds it once no tensor holds it; or it belongs to one owner, who gives it back at a known time: a scope does so
// for everything made inside it, a gradient graph when the next one begins. Three verbs: an owner `adopt`s a
// storage, a result `escape`s from the scope that made it, and `close` gives back what is left.
// Read next: backends/wasm/storage.ts for the memory itself, and tape.ts of @echo-ts/autograd for the graphs.

import { checkFunction, wrongArgument } from "./arguments.ts";
import type { Storage, StorageOwner, View } from "./backend.ts";
import { BackendError } from "./errors.ts";
import { formatShape } from "./shape.ts";

/**
 * Gives storages back one by one. For engines that know when a value is no longer needed; users call `keep`.
 *
 * @example const gradients = new Owner("zeroGrad was called"); gradients.adopt(g); gradients.close(g);
 */
export class Owner implements StorageOwner {
  readonly releases: boolean;
  /** When its storages are given back, for messages: "zeroGrad forgot the gradient". */
  readonly ending: string;

  /**
   * @param ending what happened when its storages were given back
   * @param releases false if it only marks storages, and leaves them to the collector
   */
  constructor(ending: string, releases = true) {
    this.ending = ending;
    this.releases = releases;
  }

  /**
   * Takes the storage of `x` over from whoever had it.
   *
   * @returns x
   */
  adopt<T extends View>(x: T): T {
    const { storage } = x;
    const released = storage.owner?.releases ?? false;
    if (released !== this.releases) storage.backend.owned?.(storage, this.releases);
    storage.owner = this;
    return x;
  }

  /** True if the storage of `x` belongs to this owner. */
  owns({ storage }: View): boolean {
    return storage.owner === this;
  }

  /** Gives the storage of `x` back, if it still belongs to this owner. */
  close({ storage }: View): void {
    if (storage.owner === this) giveBack(storage, this.ending);
  }
}

let current: Scope | null = null;

/**
 * Owns everything that is made while its body runs, and gives back at once what has not escaped. Scopes nest.
 *
 * @example
 * const scope = new Scope("the sweep ended");
 * const sum = scope.run(() => add(mul(a, b), mul(b, c)));
 * scope.escape(sum);
 * scope.closeAll(); // the products
 */
export class Scope extends Owner {
  #storages: Storage[] = [];
  /** How many of them `closeNew` has looked at. */
  #seen = 0;
  #around: Scope | null = null;

  /** True if there is nothing to give back. */
  get isEmpty(): boolean {
    return this.#storages.length === 0;
  }

  override adopt<T extends View>(x: T): T {
    this.#storages.push(x.storage);
    return super.adopt(x);
  }

  /** Runs `body`, which must be synchronous: the storages that it makes belong to this scope. */
  run<T>(body: () => T): T {
    this.#around = current;
    current = this;
    try {
      return body();
    } finally {
      current = this.#around;
    }
  }

  /**
   * Lets `x` live on after the scope: it belongs to the scope around this one, or to nobody.
   *
   * @returns false if it did not belong to this scope; nothing is changed then
   */
  escape(x: View): boolean {
    if (!this.owns(x)) return false;
    if (this.#around === null) disown(x.storage);
    else this.#around.adopt(x);
    return true;
  }

  /**
   * Gives back what the scope has adopted since the last call, except what is in `stays`. For a body that goes on
   * and knows what it still needs.
   */
  closeNew(stays: { has(storage: Storage): boolean }): void {
    const storages = this.#storages;
    for (; this.#seen < storages.length; this.#seen++) {
      const storage = storages[this.#seen]!;
      if (storage.owner === this && !stays.has(storage)) giveBack(storage, this.ending);
    }
  }

  /** Gives back every storage that still belongs to this scope. */
  closeAll(): void {
    const storages = this.#storages;
    this.#storages = [];
    this.#seen = 0;
    for (const storage of storages) if (storage.owner === this) giveBack(storage, this.ending);
  }
}

/**
 * The owner of storages that last as long as the object that has them: parameters, the state of an optimiser. It never
 * gives them back; the garbage collector does, when the object is gone.
 *
 * @example const velocity = lasting.adopt(zerosLike(weights));
 */
export const lasting: Owner = new Owner("it never is");

/** Gives a result that was just made to the scope that is running, if there is one. Called for every op. */
export function adoptResult(x: View): void {
  if (current !== null) current.adopt(x);
}

/**
 * Runs `body` as if no scope were running: what it makes belongs to nobody. For callbacks of users.
 *
 * @example outsideScopes(() => hook(gradient))
 */
export function outsideScopes<T>(body: () => T): T {
  checkFunction("outsideScopes", "body", body);
  const scope = current;
  current = null;
  try {
    return body();
  } finally {
    current = scope;
  }
}

/**
 * Runs `body` and gives back what it made on the way to its result, which escapes.
 *
 * @param made called with the result if it was made by `body`, and is not a view of what was there before
 * @example onlyResult(() => sqrt(add(square(a), square(b))))
 */
export function onlyResult<T extends View>(body: () => T, made?: (result: T) => void): T {
  checkFunction("onlyResult", "body", body);
  const scope = new Scope("the function that made it ended");
  try {
    const result = scope.run(body);
    if (scope.escape(result)) made?.(result);
    return result;
  } finally {
    scope.closeAll();
  }
}

/**
 * Runs `body` and gives the memory of every tensor that it made back at once. Never needed: it only spares the
 * garbage collector work that a long job makes for it. A tensor that is used afterwards must be kept: `keep`.
 *
 * @returns what `body` returns: numbers, texts, typed arrays
 * @example const best = releasingResults(() => softmax(logits).argmax(-1).toArray());
 */
export function releasingResults<T>(body: () => T): T {
  checkFunction("releasingResults", "body", body);
  const scope = new Scope("releasingResults ended");
  try {
    return scope.run(body);
  } finally {
    scope.closeAll();
  }
}

/**
 * Keeps x readable for as long as you hold it: the garbage collector frees it, nobody else. For intermediate
 * results of a training step that are used after the next step has begun, gradients used after `zeroGrad`, and
 * tensors that leave `releasingResults`. Single numbers, such as a loss, are readable without it.
 *
 * @returns x
 * @example history.push(keep(logits));
 */
export function keep<T extends View>(x: T): T {
  if (x?.storage === undefined) throw wrongArgument("keep", "x", "a tensor", x);
  if (x.storage.owner !== lasting) disown(x.storage);
  return x;
}

/** @throws BackendError, saying when and what to do, if the storage of `x` was given back */
export function checkOpen(op: string, x: View): void {
  const { closedBy, dtype } = x.storage;
  if (closedBy === null) return;
  throw new BackendError(
    `${op}: the memory of this ${dtype} tensor ${formatShape(x.shape)} was given back when ${closedBy}; to use it later, call keep(x) or detach(x) before that`,
  );
}

function disown(storage: Storage): void {
  if (storage.owner?.releases) storage.backend.owned?.(storage, false);
  storage.owner = null;
}

function giveBack(storage: Storage, ending: string): void {
  // A loss is often read steps later: backends keep the value of a single element.
  storage.closedBy = storage.length === 1 ? null : ending;
  storage.owner = null;
  storage.backend.release?.(storage);
}
