// What runs on every page: the choice of colours, and the service worker that keeps the site for use without a network.
// Every page's script imports this file first.
import { siteUrl } from "./root.ts";

const SCHEMES = ["as the system", "light", "dark"] as const;
type Scheme = (typeof SCHEMES)[number];
const KEPT = "echo-scheme";

/** What was chosen before; a browser that keeps nothing follows the system. */
function keptScheme(): Scheme {
  try {
    return SCHEMES.find((name) => name === localStorage.getItem(KEPT)) ?? "as the system";
  } catch {
    return "as the system";
  }
}

function showScheme(button: HTMLButtonElement, scheme: Scheme): void {
  document.documentElement.style.colorScheme = scheme === "as the system" ? "light dark" : scheme;
  button.textContent = `Colours: ${scheme}`;
  document.dispatchEvent(new Event("echo-scheme"));
}

const button = document.querySelector<HTMLButtonElement>("#scheme");
if (button !== null) {
  let scheme = keptScheme();
  showScheme(button, scheme);
  button.addEventListener("click", () => {
    scheme = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length]!;
    try {
      localStorage.setItem(KEPT, scheme);
    } catch {
      // A browser that forbids keeping forgets the choice with the page.
    }
    showScheme(button, scheme);
  });
}

const note = document.querySelector("#engine-note");
if (note !== null) {
  const threads = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  note.textContent = globalThis.crossOriginIsolated
    ? `Calculations may use ${threads} threads.`
    : "Calculations use one thread on this first visit or host; more where the page is cross-origin isolated.";
}

if ("serviceWorker" in navigator && globalThis.isSecureContext) {
  navigator.serviceWorker.register(siteUrl("sw.js"), { scope: siteUrl("") }).catch(() => {
    // Without it the page works while there is a network.
  });
}
