// The verdicts as a table in Markdown, and their totals.

import { type ExaminedMutant, isCaught, type Verdict } from './examination.ts';
import type { Mutant } from './mutant.ts';
import type { TestRun } from './test-run.ts';
import type { Finding } from './worker.ts';

const HEAD = ['| mutant | trap | simulator | test |', '|---|---|---|---|'];
const MAX_PROPERTY_CHARACTERS = 90;
const MAX_TITLE_CHARACTERS = 110;

export function formatTable(verdicts: readonly Verdict[]): string {
  return [...HEAD, ...verdicts.map(formatVerdict)].join('\n');
}

export function formatVerdict(verdict: Verdict): string {
  const { id, subject } = verdict.mutant;
  const [search, test] =
    verdict.kind === 'invalid'
      ? [`INVALID: ${shortened(verdict.problem, MAX_TITLE_CHARACTERS)}`, 'not run']
      : [describeSearch(verdict), describeTests(verdict.tests)];
  const cells = [`\`${id}\``, `${subject}`, search, test];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

function describeTests({ failing, isEnded }: TestRun): string {
  if (failing !== undefined) return `\`${failing.file}\` '${shortened(failing.title, MAX_TITLE_CHARACTERS)}'`;
  return isEnded ? 'none' : 'not ended in time';
}

function describeSearch({ simulator, explorer }: ExaminedMutant): string {
  if (simulator === undefined) return 'does not run this';
  if (simulator.property !== undefined) return describeFinding(simulator, 'seed');
  if (explorer?.property !== undefined)
    return `explorer: ${shortened(explorer.property, MAX_PROPERTY_CHARACTERS)}, ${explorer.seconds.toFixed(1)} s`;
  return `nothing in ${plural(simulator.runs, 'seed')}, ${simulator.seconds.toFixed(0)} s`;
}

function describeFinding({ property, runs, seconds }: Finding, unit: string): string {
  return `${shortened(property ?? '', MAX_PROPERTY_CHARACTERS)}, ${plural(runs, unit)}, ${seconds.toFixed(1)} s`;
}

function plural(count: number, unit: string): string {
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

export function formatTotals(verdicts: readonly Verdict[], seconds: number): string {
  const examined = verdicts.filter((verdict) => verdict.kind === 'examined');
  const invalid = verdicts.filter(({ kind }) => kind === 'invalid');
  const count = (isCounted: (verdict: ExaminedMutant) => boolean): number =>
    examined.filter(isCounted).length;
  const simulated = count(({ simulator }) => simulator !== undefined);
  const found = count(({ simulator }) => simulator?.property !== undefined);
  const explored = count(({ explorer }) => explorer?.property !== undefined);
  const tested = count(({ tests }) => tests.failing !== undefined);
  const survivors = examined.filter((verdict) => !isCaught(verdict));
  return [
    `${verdicts.length} mutants in ${seconds.toFixed(0)} s`,
    `caught: ${examined.length - survivors.length}`,
    `  by the simulator: ${found} of the ${simulated} that it runs`,
    `  by the explorer, of those that the simulator missed: ${explored}`,
    `  by a test: ${tested}`,
    survivors.length === 0 ? 'none survives' : `SURVIVE: ${idsOf(survivors)}`,
    ...(invalid.length === 0 ? [] : [`INVALID, ${invalid.length}: ${idsOf(invalid)}`]),
  ].join('\n');
}

/** The whole problem of each invalid mutant: a row of the table has no room for it. */
export function formatProblems(verdicts: readonly Verdict[]): string {
  return verdicts.flatMap((verdict) => (verdict.kind === 'invalid' ? [verdict.problem] : [])).join('\n\n');
}

function idsOf(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ mutant }) => mutant.id).join(', ');
}

export function formatCatalogue(mutants: readonly Mutant[]): string {
  return mutants.map(({ id, subject, file, bug }) => `${id} (${subject}, ${file})\n    ${bug}`).join('\n');
}
