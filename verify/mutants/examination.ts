// One mutant: put in, asked whether it is a program, hunted by the simulator, the explorer and the tests, taken out.

import type { Baseline } from './baseline.ts';
import type { Mutant } from './mutant.ts';
import { expectLoads, explore, isExplored, isSimulated, simulate } from './searches.ts';
import { runTests, type TestRun, testFiles } from './test-run.ts';
import type { TypeCheck } from './validity.ts';
import type { Finding } from './worker.ts';
import type { WorkingCopy } from './working-copy.ts';

export interface Verdict {
  readonly mutant: Mutant;
  /** Undefined where the simulator does not run this code. */
  readonly simulator: Finding | undefined;
  /** Undefined where it was not asked: outside of the core, or after the simulator had found the bug. */
  readonly explorer: Finding | undefined;
  readonly tests: TestRun;
}

export function isCaught({ simulator, explorer, tests }: Verdict): boolean {
  return simulator?.property !== undefined || explorer?.property !== undefined || tests.failing !== undefined;
}

/** Throws CodedError `mutant_outdated`, `mutant_invalid` or `baseline_failed`. */
export async function examine(
  mutant: Mutant,
  parts: { copy: WorkingCopy; types: TypeCheck; baseline: Baseline; seconds: number },
): Promise<Verdict> {
  const { copy, types, baseline, seconds } = parts;
  types.check(mutant);
  copy.apply(mutant);
  try {
    await expectLoads(copy.directory, mutant);
    const simulator = isSimulated(mutant) ? await simulate(copy.directory, seconds) : undefined;
    if (simulator?.property !== undefined) await baseline.confirmSeeds(simulator.runs);
    const isOpen = isExplored(mutant) && simulator?.property === undefined;
    const explorer = isOpen ? await explore(copy.directory, seconds) : undefined;
    const tests = await runAllTests(copy.directory, mutant);
    if (tests.failing !== undefined) await baseline.confirmFile(tests.failing.file);
    return { mutant, simulator, explorer, tests };
  } finally {
    copy.revert();
  }
}

/** The tests beside the mutant first: they should be the ones that notice. */
async function runAllTests(directory: string, mutant: Mutant): Promise<TestRun> {
  const { near, far } = testFiles(directory, mutant);
  const first = await runTests(directory, near);
  if (first.failing !== undefined || !first.isEnded) return first;
  const second = await runTests(directory, far);
  return { ...second, files: first.files + second.files, seconds: first.seconds + second.seconds };
}
