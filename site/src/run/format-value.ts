// Values as text for the output of a cell: tensors as they print themselves, the rest near to what Node prints.

/** A number with at most six digits that count, so that a difference in the last bit isn't shown. */
const numberText = (x: number): string =>
  Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(6)));

/**
 * One value of `console.log`.
 *
 * @example formatValue([1, 0.1 + 0.2]) // "[1, 0.3]"
 */
export function formatValue(value: unknown): string {
  if (typeof value === "string") return value;
  return nested(value);
}

function nested(value: unknown): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(nested).join(", ")}]`;
  if (ArrayBuffer.isView(value) && "length" in value)
    return `${value.constructor.name} [${Array.from(value as Float32Array, nested).join(", ")}]`;
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const parts = Object.entries(value).map(([key, part]) => `${key}: ${nested(part)}`);
    return `{ ${parts.join(", ")} }`;
  }
  return String(value);
}
