// What a part of the bench found, in a form that is printed, kept as JSON, and drawn alike.

export interface PartResult {
  /** Its name on the command line, and of its pictures. */
  readonly part: string;
  readonly title: string;
  /** What is measured and how, as far as the tables do not say it: a paragraph each. */
  readonly text: readonly string[];
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly goals: readonly Goal[];
  /** What ended it early: what is here was found before. */
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
  /** Steps of equal factors have equal widths. */
  readonly isLogarithmic: boolean;
  readonly curves: readonly Curve[];
}

export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Something that this project set out to reach. */
export interface Goal {
  readonly what: string;
  readonly found: number;
  readonly wanted: number;
  readonly sense: 'at least' | 'at most';
  /** Behind the number, with its space: ' ms'. */
  readonly unit: string;
}

/** Filled while a part runs, so that what it had found is there when it fails. */
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

/** Three digits that count, and no more than people read. */
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

export function markdownTable({ title, columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map(readable).join(' | ')} |`;
  const rule = `|${columns.map((_, at) => (at === 0 ? '---|' : '--:|')).join('')}`;
  return [`**${title}**`, '', line(columns), rule, ...rows.map(line)].join('\n');
}

/** All of it, as people read it on a terminal and on a page. `picture` names the file of a chart, or leaves it out. */
export function partLines(part: PartResult, picture: (at: number) => string | undefined): string[] {
  const { title, text, tables, charts, goals, failure, finishedAt, seconds } = part;
  const pictures = charts.flatMap((chart, at) => {
    const file = picture(at);
    return file === undefined ? [] : [`![${chart.title}](${file})`, ''];
  });
  return [
    `## ${title}`,
    '',
    ...(failure === null ? [] : [`**It failed, and what follows was found before:** ${failure}`, '']),
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
