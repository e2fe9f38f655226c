// Warnings of functions whose result has no room for one. Printed once for each text, or handed to the program.

let handler: (message: string) => void = (message) => console.warn(`@echo-ts/audio: ${message}`);
const said = new Set<string>();

/**
 * Sends the warnings of this package to a function instead of the console. Each text comes once in a process.
 *
 * Functions warn where they do what was asked but probably not what was meant, such as a mel bank with bands that
 * no bin falls into. What readers of files notice stands in `warnings` of their result instead.
 *
 * @param receive called with `function: what, and the remedy`; undefined goes back to `console.warn`
 *
 * @example
 * onWarning((message) => log.warn(message));
 */
export function onWarning(receive: ((message: string) => void) | undefined): void {
  handler = receive ?? ((message) => console.warn(`@echo-ts/audio: ${message}`));
  said.clear();
}

/** Says a warning, once for each text. */
export function warnOnce(message: string): void {
  if (said.has(message)) return;
  said.add(message);
  handler(message);
}
