// Files of the site, with progress while they come.
import { siteUrl } from "./root.ts";

/**
 * The bytes of a file of the site.
 *
 * @param onProgress is told how many bytes have come, and how many there are where the host says so
 * @throws Error naming the file, with what to do
 */
export async function fetchFile(
  path: string,
  onProgress: (done: number, total: number | null) => void = () => {},
): Promise<ArrayBuffer> {
  const remedy = "check the connection and load the page again";
  const response = await fetch(siteUrl(path)).catch((cause: unknown) => {
    throw new Error(`${path} could not be had (${cause}); ${remedy}`, { cause });
  });
  if (!response.ok) throw new Error(`${path} could not be had (HTTP ${response.status}); ${remedy}`);
  const stated = Number(response.headers.get("Content-Length"));
  const total = stated > 0 ? stated : null;
  if (response.body === null) return response.arrayBuffer();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value);
    done += next.value.length;
    onProgress(done, total);
  }
  return new Blob(pieces).arrayBuffer();
}
