// What every page of the site has: head, header with the navigation, footer. A page file holds a <title>, a description,
// its <main>, its scripts and styles of its own; this plugin of Vite puts the rest around them, when the site is built, so that pages stand
// complete in the files.
import { PAGES } from "./pages.mjs";

/**
 * Scripts, pictures and data come from where the page comes from and from nowhere else, and nothing can be sent elsewhere:
 * the browser holds the page to it. wasm needs its permission; figures carry styles; workers start from blobs in tensor.
 * A page that runs the visitor's own code (`<meta name="echo-runs-code" content="yes">`) may also evaluate text.
 */
const policy = (runsCode) =>
  [
    "default-src 'self'",
    `script-src 'self' 'wasm-unsafe-eval'${runsCode ? " 'unsafe-eval' blob:" : ""}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "connect-src 'self' blob: data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

/** The text of `pattern`'s first group in `html`. */
function part(html, pattern, what, path) {
  const found = pattern.exec(html);
  if (found === null) throw new Error(`site: ${path}: expected ${what}`);
  return found[1];
}

/** A complete page around the inside of the page file at `path` ("/course/index.html"). */
export function wholePage(html, path) {
  const folder = path.replace(/^\//, "").replace(/index\.html$/, "");
  const root = "../".repeat(folder.split("/").length - 1) || "./";
  const title = part(html, /<title>([^<]+)<\/title>/, "a <title>", path);
  const description = part(html, /<meta name="description" content="([^"]+)"/, "a description", path);
  const main = part(html, /(<main[\s\S]*<\/main>)/, "a <main>", path);
  const styles = [...html.matchAll(/<link rel="stylesheet"[^>]*>/g)].map(([link]) => link).join("\n");
  const scripts = [...html.matchAll(/<script\b[^>]*><\/script>/g)].map(([script]) => script).join("\n");
  const runsCode = html.includes('<meta name="echo-runs-code"');
  const current = PAGES.filter((page) => folder.startsWith(page.path)).at(-1);
  const links = PAGES.map(
    (page) =>
      `<li><a href="${root}${page.path}"${page === current ? ' aria-current="page"' : ""}>${page.name}</a></li>`,
  ).join("");
  return `<!doctype html>
<html lang="en" data-root="${root}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(runsCode)}">
<title>${title} · Echo in TypeScript</title>
<meta name="description" content="${description}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${root}src/layout/site.css">
${styles}
${scripts}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="site-header">
<a class="brand" href="${root}">Echo <span>in TypeScript</span></a>
<nav aria-label="Pages"><ul>${links}</ul></nav>
<button type="button" id="scheme" class="quiet">Colours: as the system</button>
</header>
${main}
<footer class="site-footer">
<p>Everything on this page runs on your device. Nothing you say, drop or type is sent anywhere.
<span id="engine-note"></span></p>
</footer>
</body>
</html>`;
}

/** The plugin. */
export const layout = () => ({
  name: "echo-site-layout",
  transformIndexHtml: { order: "pre", handler: (html, { path }) => wholePage(html, path) },
});
