// Figures of two checkouts, measured in turns, and the ratio between them.

import type { Measurement } from './context.ts';
import { readable, type Table } from './result.ts';
import { median } from './statistics.ts';

/** A rate below this part of the other checkout's is reported. */
const LOWEST_RATE_RATIO = 0.95;

/** The measurements of both checkouts, taken in slices that take turns. */
export interface Turn {
  readonly ours: Measurement;
  readonly other: Measurement;
}

interface ComparedLoad {
  readonly name: string;
  readonly turns: readonly Turn[];
}

/** No latencies: wrk also counts the slices in which it was stopped. */
type Field = 'perSecond' | 'leaderMicros' | 'errors';

const FIELDS: readonly (readonly [field: Field, label: string])[] = [
  ['perSecond', 'requests/s'],
  ['leaderMicros', 'leader µs/request'],
];

export function comparisonTable(loads: readonly ComparedLoad[]): Table {
  const rows = loads.flatMap(({ name, turns }) => {
    const fields = FIELDS.map(([field, label]) => comparedRow(`${name}: ${label}`, field, turns));
    const hasErrors = turns.some(({ ours, other }) => ours.errors + other.errors > 0);
    return hasErrors ? [...fields, comparedRow(`${name}: errors`, 'errors', turns)] : fields;
  });
  return {
    title: 'Medians of this checkout and of the other',
    columns: ['', 'this', 'other', 'this/other', 'lowest turn', 'highest turn'],
    rows,
  };
}

function comparedRow(label: string, field: Field, turns: readonly Turn[]): (string | number)[] {
  const ratios = ratiosOf(field, turns);
  return [
    label,
    median(turns.map(({ ours }) => ours[field])),
    median(turns.map(({ other }) => other[field])),
    ...[median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(3)),
  ];
}

/** Names the loads whose rate is below LOWEST_RATE_RATIO of the other checkout's. */
export function slowerLine(loads: readonly ComparedLoad[]): string {
  const slower = loads.flatMap(({ name, turns }) => {
    const ratio = median(ratiosOf('perSecond', turns));
    return ratio < LOWEST_RATE_RATIO ? [`${name} (${ratio.toFixed(3)})`] : [];
  });
  const found = slower.length === 0 ? 'none' : slower.join(', ');
  return `Rates below ${readable(LOWEST_RATE_RATIO)} of the other checkout's: ${found}.`;
}

/** One of each turn, so that a slow moment of the machine is on both sides of a ratio. */
function ratiosOf(field: Field, turns: readonly Turn[]): number[] {
  return turns.map(({ ours, other }) => ours[field] / other[field]);
}
