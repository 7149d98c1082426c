// The command `npm run sim:mutants`: puts known bugs into the code, one at a time. The simulator, the
// explorer or a test must notice each of them.

import { CodedError } from '../../src/shared/coded-error.ts';
import { EXIT_USAGE } from '../kit/command-options.ts';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { type MutantArguments, parseArguments } from './arguments.ts';
import { Baseline } from './baseline.ts';
import { CATALOGUE } from './catalogue.ts';
import { examine, isCaught, type Verdict } from './examination.ts';
import type { Mutant } from './mutant.ts';
import { formatCatalogue, formatProblems, formatTable, formatTotals, formatVerdict } from './report.ts';
import { only, rotated } from './selection.ts';
import { testFiles } from './test-run.ts';
import { TypeCheck } from './validity.ts';
import { WorkingCopy } from './working-copy.ts';

/** A mutant survived or was invalid, or the run was ended early. */
const EXIT_FAILED = 1;

const copies: WorkingCopy[] = [];
process.once('exit', () => {
  for (const copy of copies) copy.remove();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT_FAILED));

try {
  await main(parseArguments(process.argv.slice(2), Date.now()));
} catch (error) {
  if (!(error instanceof CodedError)) throw error;
  console.error(error.message);
  process.exitCode = error.code === 'usage' ? EXIT_USAGE : EXIT_FAILED;
}

async function main(given: MutantArguments): Promise<void> {
  const mutants = chosen(given);
  if (given.isList) {
    console.log(formatCatalogue(mutants));
    return;
  }
  const startedAt = performance.now();
  const clean = newCopy();
  const baseline = new Baseline(clean.directory);
  if (given.only === undefined && given.rotate === undefined) {
    const near = new Set(mutants.flatMap((mutant) => testFiles(clean.directory, mutant).near));
    console.log(await baseline.run([...near], given.seconds));
  }
  const types = new TypeCheck(clean.directory);
  const queue = mutants.values();
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    const copy = newCopy();
    for (const mutant of queue) {
      const verdict = await examine(mutant, { copy, types, baseline, seconds: given.seconds });
      verdicts.push(verdict);
      console.log(formatVerdict(verdict));
    }
  };
  await Promise.all(Array.from({ length: given.jobs }, work));
  verdicts.sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant));
  console.log(
    `\n${formatTable(verdicts)}\n\n${formatTotals(verdicts, (performance.now() - startedAt) / 1_000)}`,
  );
  const problems = formatProblems(verdicts);
  if (problems !== '') console.error(`\n${problems}`);
  if (!verdicts.every(isCaught)) process.exitCode = EXIT_FAILED;
}

function chosen({ only: ids, rotate, turn }: MutantArguments): Mutant[] {
  if (ids !== undefined) return only(CATALOGUE, ids);
  return rotate === undefined ? [...CATALOGUE] : rotated(CATALOGUE, { count: rotate, turn });
}

function newCopy(): WorkingCopy {
  const copy = new WorkingCopy(PROJECT_ROOT);
  copies.push(copy);
  return copy;
}
