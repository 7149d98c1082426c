// Formats the report of a run.

import { TARGETS } from './arguments.ts';
import type { Found, Outcome } from './run.ts';
import type { TallyRow } from './tally.ts';

const BYTES_PER_MIB = 1024 * 1024;

export function formatReport({ tally, found, elapsedMs }: Outcome, seed: number): string {
  const seconds = elapsedMs / 1_000;
  const lines = [`seed ${seed}, ${seconds.toFixed(1)} s`];
  for (const target of TARGETS) {
    const rows = tally.rows.filter((row) => row.target === target);
    if (rows.length === 0) continue;
    lines.push(`${target}: ${counted(tally.casesOf(target))} cases`);
    for (const row of rows.sort(byName)) lines.push(`  ${row.idea}, ${row.kind}: ${describeOutcomes(row)}`);
    const totals = new Map<string, number>();
    for (const { outcomes } of rows) {
      for (const [outcome, times] of outcomes) totals.set(outcome, (totals.get(outcome) ?? 0) + times);
    }
    lines.push(`  all ${target}: ${describeCounts(totals)}`);
  }
  for (const [what, times] of tally.notes) lines.push(`${what}: ${counted(times)}`);
  for (const [process, bytes] of tally.peakBytes) {
    lines.push(`peak memory of ${process}: ${Math.round(bytes / BYTES_PER_MIB)} MiB`);
  }
  lines.push(`${counted(tally.cases)} cases, ${counted(Math.round(tally.cases / seconds))} a second`);
  for (const one of found) lines.push(describeFound(one));
  lines.push(found.length === 0 ? 'nothing found' : `${found.length} found`);
  return lines.join('\n');
}

function describeFound({ idea, seed, cases, message }: Found): string {
  return [
    `FOUND by ${idea.target}, ${idea.name}: ${message}`,
    `again: npm run fuzz -- --only ${idea.target} --idea ${idea.name} --seed ${seed} --cases ${cases}`,
  ].join('\n');
}

function describeOutcomes({ outcomes }: TallyRow): string {
  return describeCounts(outcomes);
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, times]) => `${name} ${counted(times)}`)
    .join(', ');
}

function counted(number: number): string {
  return number.toLocaleString('en');
}

function byName(a: TallyRow, b: TallyRow): number {
  return `${a.idea} ${a.kind}` < `${b.idea} ${b.kind}` ? -1 : 1;
}
