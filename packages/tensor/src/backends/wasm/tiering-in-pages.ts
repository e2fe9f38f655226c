// What bundlers for browsers take instead of tiering.ts (`browser` in package.json): a page cannot set flags of V8.

/** Never there. */
export const Tiering: { readonly find: () => null } = { find: () => null };
