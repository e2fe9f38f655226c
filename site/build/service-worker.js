// The site without a network: keeps pages and scripts when it is installed, and every other file of the site when it is
// first asked for. It also adds the headers that let wasm run on several threads, where the host doesn't send them; they
// count from the second time a page is opened. files.mjs fills in the two constants and writes this as sw.js.
const VERSION = "__VERSION__";
const FILES = ["__FILES__"].flat();
const CACHE = `echo-site-${VERSION}`;
const ROOT = new URL("./", self.location.href);

/** Pages are asked for by their folder. */
const keyOf = (url) => {
  const plain = new URL(url);
  plain.search = "";
  plain.hash = "";
  return plain.pathname.endsWith("/") ? `${plain.href}index.html` : plain.href;
};

self.addEventListener("install", (event) => {
  const addresses = FILES.map((name) => new Request(new URL(name, ROOT), { cache: "no-cache" }));
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(addresses))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((keys) =>
        Promise.all(
          keys
            .filter((key) => key.startsWith("echo-site-") && key !== CACHE)
            .map((key) => caches.delete(key)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

/** The same response with the headers of a page that is isolated from other origins. */
function isolated(response) {
  if (response.status === 0 || response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  const key = keyOf(request.url);
  const kept = await cache.match(key);
  if (kept !== undefined) return isolated(kept);
  const response = await fetch(request);
  if (response.status === 200) await cache.put(key, response.clone());
  return isolated(response);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(ROOT.href)) event.respondWith(answer(request));
});
