// Finding the tensors and modules in a module's fields: directly, or in arrays, Maps, Sets and object literals.
// Read next: module.ts.

import { describeValue } from "@echo-ts/tensor/internal";

/** What was found in a field, and its name relative to the module. */
export interface Found<Kind, Value> {
  readonly name: string;
  readonly value: Kind;
  /** Puts another value in its place. */
  readonly replace: (value: Value) => void;
}

/** `prefix.name`, without a dot where either is empty. */
export function joinName(prefix: string, name: string): string {
  return prefix === "" || name === "" ? prefix + name : `${prefix}.${name}`;
}

/**
 * Everything of some kind in the fields of an object, in their order.
 *
 * @param fieldName the name that a field has in state dicts
 * @param isKind tells what is looked for
 * @throws Error if a field holds it within an object of another class, where it would be missed
 */
export function findMembers<Kind, Value>(
  owner: object,
  fieldName: (field: string) => string,
  isKind: (value: unknown) => value is Kind,
): Found<Kind, Value>[] {
  const found: Found<Kind, Value>[] = [];
  const containers: object[] = [];
  const visit = (name: string, value: unknown, replace: (value: Value) => void): void => {
    if (isKind(value)) found.push({ name, value, replace });
    else if (typeof value === "object" && value !== null && !containers.includes(value)) {
      containers.push(value);
      within(name, value);
      containers.pop();
    }
  };
  const within = (name: string, container: object): void => {
    if (Array.isArray(container)) {
      container.forEach((item: unknown, i) => {
        visit(joinName(name, String(i)), item, (value) => {
          container[i] = value;
        });
      });
    } else if (container instanceof Map) {
      for (const [key, item] of container) {
        visit(joinName(name, String(key)), item, (value) => container.set(key, value));
      }
    } else if (container instanceof Set) {
      const items: unknown[] = [...container];
      items.forEach((item, i) => {
        visit(joinName(name, String(i)), item, (value) => {
          items[i] = value;
          container.clear();
          for (const other of items) container.add(other);
        });
      });
    } else if (isLiteral(container)) {
      for (const [key, item] of Object.entries(container)) {
        visit(joinName(name, key), item, (value) => Object.assign(container, { [key]: value }));
      }
    } else if (!ArrayBuffer.isView(container)) {
      const [hidden] = Object.entries(container).filter(([, item]) => isKind(item));
      if (hidden === undefined) return;
      throw new Error(
        `${owner.constructor.name}: "${name}" is of the class ${describeValue(container)}, in which "${hidden[0]}" would be missed; hold it in a field, an object literal, an array, a Map or a Set, or let ${describeValue(container)} extend Module. References to what is not the module's own belong in #private fields`,
      );
    }
  };
  for (const [field, value] of Object.entries(owner)) {
    visit(fieldName(field), value, (other) => {
      Object.assign(owner, { [field]: other });
    });
  }
  return found;
}

function isLiteral(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
