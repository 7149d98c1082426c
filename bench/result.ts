// What a part of the bench found, in a form that is printed, kept as JSON, and drawn alike.

export interface PartResult {
  /** Its name on the command line, and of its pictures. */
  readonly part: string;
  readonly title: string;
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly goals: readonly Goal[];
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
  readonly unit: string;
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
