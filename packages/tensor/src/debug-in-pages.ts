// What bundlers for browsers take instead of debug.ts (`browser` in package.json): a page has no environment that could
// ask for anything. `observe` and `profile` work there.

/** Does nothing. */
export function startDebugging(): void {}
