// The result of a part, in one form for printing, for JSON and for charts.

export interface PartResult {
  /** The part's name on the command line and in the names of its pictures. */
  readonly part: string;
  readonly title: string;
  /** Paragraphs that explain how the part measures. */
  readonly text: readonly string[];
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly goals: readonly Goal[];
  /** The error that ended the part early; the other fields hold what was found before. */
  readonly failure: string | null;
  readonly finishedAt: string;
  readonly seconds: number;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** The x axis is logarithmic. */
  readonly isLogarithmic: boolean;
  readonly curves: readonly Curve[];
}

export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A figure with a bound that this project promises. */
export interface Goal {
  readonly what: string;
  readonly found: number;
  readonly wanted: number;
  readonly sense: 'at least' | 'at most';
  /** Written behind the number, with its space: ' ms'. */
  readonly unit: string;
}

/** Gathers findings while a part runs, so that a part that fails keeps them. */
export class PartReport {
  readonly #part: string;
  readonly #startedAt = performance.now();
  readonly #text: string[] = [];
  readonly #tables: Table[] = [];
  readonly #charts: Chart[] = [];
  readonly #goals: Goal[] = [];
  #title: string;

  constructor(part: string) {
    this.#part = part;
    this.#title = part;
  }

  title(title: string): void {
    this.#title = title;
  }

  text(...paragraphs: readonly string[]): void {
    this.#text.push(...paragraphs);
  }

  table(...tables: readonly Table[]): void {
    this.#tables.push(...tables);
  }

  chart(...charts: readonly Chart[]): void {
    this.#charts.push(...charts);
  }

  goal(...goals: readonly Goal[]): void {
    this.#goals.push(...goals);
  }

  result(failure: string | null): PartResult {
    return {
      part: this.#part,
      title: this.#title,
      text: this.#text,
      tables: this.#tables,
      charts: this.#charts,
      goals: this.#goals,
      failure,
      finishedAt: new Date().toISOString(),
      seconds: (performance.now() - this.#startedAt) / 1_000,
    };
  }
}

export function atLeast(what: string, found: number, wanted: number, unit: string): Goal {
  return { what, found, wanted, sense: 'at least', unit };
}

export function atMost(what: string, found: number, wanted: number, unit: string): Goal {
  return { what, found, wanted, sense: 'at most', unit };
}

export function isReached({ found, wanted, sense }: Goal): boolean {
  return sense === 'at least' ? found >= wanted : found <= wanted;
}

/** Formats a number with three significant digits, or as a whole number. */
export function readable(value: string | number): string {
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

export function goalLine(goal: Goal): string {
  const { what, found, wanted, sense, unit } = goal;
  const verdict = isReached(goal) ? 'reached' : 'NOT reached';
  return `${what}: ${readable(found)}${unit} (${sense} ${readable(wanted)}${unit}): ${verdict}`;
}

function markdownTable({ title, columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map(readable).join(' | ')} |`;
  const rule = `|${columns.map((_, at) => (at === 0 ? '---|' : '--:|')).join('')}`;
  return [`**${title}**`, '', line(columns), rule, ...rows.map(line)].join('\n');
}

/** Returns the result as lines of Markdown. `picture` names the file of a chart, or leaves the chart out. */
export function partLines(part: PartResult, picture: (at: number) => string | undefined): string[] {
  const { title, text, tables, charts, goals, failure, finishedAt, seconds } = part;
  const pictures = charts.flatMap((chart, at) => {
    const file = picture(at);
    return file === undefined ? [] : [`![${chart.title}](${file})`, ''];
  });
  return [
    `## ${title}`,
    '',
    ...(failure === null ? [] : [`**This part failed; the findings below are from before:** ${failure}`, '']),
    ...text.flatMap((paragraph) => [paragraph, '']),
    ...tables.flatMap((table) => [markdownTable(table), '']),
    ...pictures,
    ...goals.map((goal) => `- ${goalLine(goal)}`),
    ...(goals.length === 0 ? [] : ['']),
    `Finished ${minute(finishedAt)}, after ${readable(Math.round(seconds))} s.`,
    '',
  ];
}

export function minute(isoTime: string): string {
  return `${isoTime.slice(0, 16).replace('T', ' ')} UTC`;
}
