// What a figure of the course is: controls, and a function from their values to a picture, a sentence and numbers. It
// knows no page, so the build draws its first state, the tests draw all of them.

/** A slider or a choice. */
export type Control =
  | {
      readonly kind: "range";
      readonly name: string;
      readonly label: string;
      readonly min: number;
      readonly max: number;
      readonly step: number;
      readonly value: number;
      /** After the number, such as "Hz". */
      readonly unit?: string;
    }
  | {
      readonly kind: "choice";
      readonly name: string;
      readonly label: string;
      readonly choices: readonly string[];
      readonly value: string;
    };

/** Values of the controls by name; a choice as its text. */
export interface Settings {
  number(name: string): number;
  text(name: string): string;
}

/** One state of a figure. */
export interface Drawn {
  /** SVG. */
  readonly svg: string;
  /** What this state shows, in a sentence or two. */
  readonly note: string;
  /** The numbers behind the picture. */
  readonly table: {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (string | number)[])[];
  };
}

/** A figure of the course. */
export interface CourseFigure {
  /** Says what it shows. */
  readonly title: string;
  readonly controls: readonly Control[];
  draw(settings: Settings): Drawn;
}

/** Reads settings from texts by name; what is missing has the control's first value. */
export function settingsOf(figure: CourseFigure, given: Readonly<Record<string, string>> = {}): Settings {
  const control = (name: string): Control => {
    const found = figure.controls.find((one) => one.name === name);
    if (found === undefined) throw new Error(`figure "${figure.title}": there is no control "${name}"`);
    return found;
  };
  const text = (name: string): string => given[name] ?? String(control(name).value);
  return { text, number: (name) => Number(text(name)) };
}
