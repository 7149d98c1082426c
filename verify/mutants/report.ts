// What was found, as a table in Markdown.

import { isCaught, type Verdict } from './examination.ts';
import type { Mutant } from './mutant.ts';
import type { Finding } from './worker.ts';

const HEAD = ['| mutant | trap | simulator | test |', '|---|---|---|---|'];
const MAX_PROPERTY_CHARACTERS = 90;
const MAX_TITLE_CHARACTERS = 110;

export function formatTable(verdicts: readonly Verdict[]): string {
  return [...HEAD, ...verdicts.map(formatVerdict)].join('\n');
}

export function formatVerdict(verdict: Verdict): string {
  const { mutant, tests } = verdict;
  const cells = [
    `\`${mutant.id}\``,
    `${mutant.subject}`,
    describeSearch(verdict),
    tests.failing === undefined
      ? tests.isEnded
        ? 'none'
        : 'none ended'
      : `\`${tests.failing.file}\` '${shortened(tests.failing.title, MAX_TITLE_CHARACTERS)}'`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

function describeSearch({ simulator, explorer }: Verdict): string {
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
  const count = (isCounted: (verdict: Verdict) => boolean): number => verdicts.filter(isCounted).length;
  const simulated = count(({ simulator }) => simulator !== undefined);
  const found = count(({ simulator }) => simulator?.property !== undefined);
  const explored = count(({ explorer }) => explorer?.property !== undefined);
  const tested = count(({ tests }) => tests.failing !== undefined);
  const survivors = verdicts.filter((verdict) => !isCaught(verdict)).map(({ mutant }) => mutant.id);
  return [
    `${verdicts.length} mutants in ${seconds.toFixed(0)} s`,
    `caught: ${verdicts.length - survivors.length}`,
    `  by the simulator: ${found} of the ${simulated} that it runs`,
    `  by the explorer, of those that the simulator missed: ${explored}`,
    `  by a test: ${tested}`,
    survivors.length === 0 ? 'none survives' : `SURVIVE: ${survivors.join(', ')}`,
  ].join('\n');
}

export function formatCatalogue(mutants: readonly Mutant[]): string {
  return mutants.map(({ id, subject, file, bug }) => `${id} (${subject}, ${file})\n    ${bug}`).join('\n');
}
