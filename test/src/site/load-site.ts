// What the site's build and its compiled sources export, for tests in Node.
interface Read {
  readonly file: string;
  /** Declarations; none for the whole file. */
  readonly names: readonly string[];
  readonly lines: number;
  readonly about: string;
}

/** A block of a chapter that tests look at. */
type Block =
  | { readonly kind: "prose" | "source" }
  | { readonly kind: "cell"; readonly code: string; readonly prints: string; readonly measures: boolean }
  | { readonly kind: "exercise"; readonly code: string; readonly tests: string; readonly solution: string };

interface Chapter {
  readonly title: string;
  readonly figure: string;
  readonly words: number;
  readonly read: readonly Read[];
  readonly blocks: readonly Block[];
}

type Control =
  | { readonly kind: "range"; readonly name: string; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly name: string; readonly choices: readonly string[] };

interface Settings {
  number(name: string): number;
}

/** A figure of the course, see site/src/course/course-figure.ts. */
interface Figure {
  readonly controls: readonly Control[];
  draw(settings: Settings): {
    readonly svg: string;
    readonly note: string;
    readonly table: { readonly rows: readonly (readonly (string | number)[])[] };
  };
}

type Output = { readonly kind: "text"; readonly text: string } | { readonly kind: "picture" };

type ReadFile = (path: string) => Promise<Uint8Array>;

interface Modules {
  readonly CHAPTERS: readonly string[];
  readChapter(slug: string): Chapter;
  parseChapter(text: string, where: string): Chapter;
  readingList(): readonly (Read & { readonly chapter: string })[];
  readingOf(item: string): Read;
  quote(file: string, name: string): { readonly code: string; readonly line: number };
  quoteAll(file: string, names: readonly string[]): { readonly code: string };
  readonly figures: Readonly<Record<string, (read: ReadFile) => Promise<Figure>>>;
  readonly readSiteFile: ReadFile;
  settingsOf(figure: Figure, given?: Readonly<Record<string, string>>): Settings;
  runCode(code: string, show: (output: Output) => void): Promise<void>;
  withTests(answer: string, tests: string): string;
  pictureSvg(picture: unknown): string;
}

/**
 * The modules; figures read files as the build does. `printed` is the text that a piece of code shows, with its pictures
 * drawn but left out.
 */
export interface Site extends Omit<Modules, "figures"> {
  readonly figures: Readonly<Record<string, () => Promise<Figure>>>;
  printed(code: string): Promise<string>;
}

/** Loads all of it. */
export async function loadSite(): Promise<Site> {
  const root = "../../../site";
  const names = [
    "build/chapters.mjs",
    "build/chapter.mjs",
    "build/course.mjs",
    "build/quote.mjs",
    "lib/course/figures/index.js",
    "lib/course/course-figure.js",
    "lib/run/run-code.js",
    "lib/draw/pictures.js",
  ];
  const parts = await Promise.all(
    names.map((name) => import(`${root}/${name}`) as Promise<Partial<Modules>>),
  );
  const modules = Object.assign({}, ...parts) as Modules;
  const figures = Object.entries(modules.figures).map(
    ([name, load]) => [name, () => load(modules.readSiteFile)] as const,
  );
  return {
    ...modules,
    figures: Object.fromEntries(figures),
    async printed(code) {
      const lines: string[] = [];
      await modules.runCode(code, (output) => {
        if (output.kind === "text") lines.push(output.text);
        else modules.pictureSvg((output as { readonly picture?: unknown }).picture);
      });
      return lines.join("\n");
    },
  };
}
