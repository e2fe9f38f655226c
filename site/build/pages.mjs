// The pages of the site, in the order of the navigation. Each is a file PATH/index.html with the inside of the page; the
// rest comes from layout.mjs.

/** One page. `path` is its folder below the root of the site, with a slash at its end; "" is the front page. */
export const PAGES = [
  { path: "", name: "Studio" },
  { path: "train/", name: "Your ten words" },
  { path: "course/", name: "Course" },
  { path: "whisper/", name: "Whisper" },
  { path: "repl/", name: "REPL" },
  { path: "bench/", name: "Benchmark" },
  { path: "api/", name: "API" },
];
