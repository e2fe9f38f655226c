// The editor of the REPL: CodeMirror with JavaScript and the names of our packages. Loaded after the page is there.
import { autocompletion, type Completion, type CompletionContext } from "@codemirror/autocomplete";
import { javascript } from "@codemirror/lang-javascript";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";

/** A name as build/completions.mjs describes it. */
export interface Described {
  readonly label: string;
  readonly kind: string;
  readonly type: string;
  readonly comment: string;
  /** Package to import it from; members of tensors have none. */
  readonly from?: string;
}

/** All that can be completed. */
export interface Completions {
  readonly names: readonly Described[];
  readonly members: readonly Described[];
}

/** Adds the name to the imports at the top, unless one holds it. */
function importLine(code: string, { label, from }: Described): string {
  const imported = [...code.matchAll(/import\s*\{([^}]*)\}/g)].some(([, list]) =>
    new RegExp(`\\b${label}\\b`).test(list!),
  );
  return from === undefined || imported ? "" : `import { ${label} } from "${from}";\n`;
}

/** A list entry; choosing it writes the name, and its import where it is missing. */
function entry(described: Described, insideImport: boolean): Completion {
  const { label, kind, type, comment, from = "" } = described;
  return {
    label,
    type: kind,
    detail: from.replace("@echo-ts/", ""),
    info: `${type}\n${comment}`,
    apply(view, _completion, start, end) {
      const line = insideImport ? "" : importLine(view.state.doc.toString(), described);
      const changes = [{ from: start, to: end, insert: label }];
      if (line !== "") changes.unshift({ from: 0, to: 0, insert: line });
      view.dispatch({ changes, selection: { anchor: start + label.length + line.length } });
    },
  };
}

/** What fits before the cursor: members after a point, else exported names; null for nothing. */
export function completeAt(
  { names, members }: Completions,
  before: string,
  explicit: boolean,
): { readonly length: number; readonly found: readonly Described[]; readonly inside: boolean } | null {
  const word = /\w*$/.exec(before)![0];
  if (before.at(-word.length - 1) === ".") return { length: word.length, found: members, inside: true };
  if (word === "" && !explicit) return null;
  const inside = /import\s*\{[^}]*$/.test(before);
  return { length: word.length, found: names, inside };
}

/**
 * Puts an editor in the place of the text area.
 *
 * @param run called for Ctrl+Enter
 */
export function createEditor(
  place: HTMLElement,
  code: string,
  completions: Completions,
  run: () => void,
): { text(): string; replace(code: string): void } {
  const complete = (context: CompletionContext) => {
    const before = context.state.sliceDoc(0, context.pos);
    const at = completeAt(completions, before, context.explicit);
    if (at === null) return null;
    const options = at.found.map((one) => entry(one, at.inside));
    return { from: context.pos - at.length, options, validFor: /^\w*$/ };
  };
  const view = new EditorView({
    doc: code,
    extensions: [
      keymap.of([
        {
          key: "Ctrl-Enter",
          mac: "Cmd-Enter",
          run() {
            run();
            return true;
          },
        },
      ]),
      basicSetup,
      javascript(),
      EditorView.lineWrapping,
      autocompletion({ override: [complete] }),
      EditorView.contentAttributes.of({ "aria-label": "Code" }),
      EditorView.theme({
        "&": { backgroundColor: "var(--panel)", color: "var(--ink)" },
        "& .cm-gutters": { backgroundColor: "var(--panel)", color: "var(--soft)", border: "none" },
        "&.cm-focused .cm-cursor": { borderLeftColor: "var(--ink)" },
        "& .cm-activeLine, & .cm-activeLineGutter": { backgroundColor: "transparent" },
        "& .cm-tooltip": { backgroundColor: "var(--panel)", color: "var(--ink)" },
        "& .cm-content span": { color: "var(--ink) !important" },
      }),
    ],
  });
  place.replaceChildren(view.dom);
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  };
}
