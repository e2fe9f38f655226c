// The blocks of a model with names that a reader of figures understands, and a way to watch what a module is given.
import type { Module } from "@echo-ts/autograd";
import { EchoBlock } from "../model/block.ts";
import type { Echo } from "../model/model.ts";
import type { FeatureName } from "../settings/settings.ts";

/** Where a block stands. "cross" blocks are those of the decoder that attend to audio as well as to the text. */
export type BlockKind = "encoder" | "text" | "cross";

/** A block and its place. */
export interface NamedBlock {
  /** "encoder 0", "text 0", "cross 0"; with several streams "encoder pitch 0". */
  readonly name: string;
  /** Dotted name in the state dict. */
  readonly path: string;
  readonly kind: BlockKind;
  /** From 0 in its stack. */
  readonly layer: number;
  /** The stream it belongs to; null for blocks that see the text alone. */
  readonly feature: FeatureName | null;
  readonly block: EchoBlock;
}

/** All blocks from the input on: encoder, then decoder. */
export function namedBlocks(echo: Echo): NamedBlock[] {
  const paths = new Map(
    echo
      .namedModules()
      .flatMap(([path, module]) => (module instanceof EchoBlock ? [[module, path]] : [])) as [
      EchoBlock,
      string,
    ][],
  );
  const several = echo.config.features.length > 1;
  const stack = (kind: BlockKind, feature: FeatureName | null, blocks: readonly EchoBlock[]): NamedBlock[] =>
    blocks.map((block, layer) => ({
      name: [kind, ...(several && feature !== null ? [feature] : []), layer].join(" "),
      path: paths.get(block)!,
      kind,
      layer,
      feature,
      block,
    }));
  return [
    ...[...echo.encoder.streams].flatMap(([feature, [, ...blocks]]) => stack("encoder", feature, blocks)),
    ...stack("text", null, echo.decoder.textBlocks),
    ...[...echo.decoder.streams].flatMap(([feature, blocks]) => stack("cross", feature, blocks)),
  ];
}

/**
 * Calls `listener` after every call of a module's method, with what it was given and what it gave. Nothing is changed.
 *
 * @returns a function that stops it
 * @throws TypeError if the module has no such method
 * @example
 * const stop = watchCalls(block.gate, "forward", (_, openings) => console.log(openings));
 */
export function watchCalls(
  module: Module,
  method: string,
  listener: (given: readonly unknown[], result: unknown) => void,
): () => void {
  const original: unknown = Reflect.get(module, method);
  if (typeof original !== "function")
    throw new TypeError(`watchCalls: ${module.constructor.name} has no method ${method}`);
  // A field that is not listed: members() of a module looks at the listed ones.
  Object.defineProperty(module, method, {
    configurable: true,
    value: (...given: unknown[]): unknown => {
      const result: unknown = Reflect.apply(original, module, given);
      listener(given, result);
      return result;
    },
  });
  return () => {
    Reflect.deleteProperty(module, method);
  };
}
