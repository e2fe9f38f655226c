// Where the site lies: pages stand in folders, so each names the root by a relative address, which layout.mjs writes.

/** The absolute address of a file of the site, for example `siteUrl("files/an4-f0.safetensors")`. */
export function siteUrl(path: string): string {
  return new URL(`${document.documentElement.dataset.root ?? "./"}${path}`, document.baseURI).href;
}
