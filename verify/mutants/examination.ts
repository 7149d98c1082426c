// Examines one mutant: checks that it is a program, and runs the simulator, the explorer and the tests on it.

import { CodedError } from '../../src/shared/coded-error.ts';
import type { Baseline } from './baseline.ts';
import type { Mutant } from './mutant.ts';
import { expectLoads, explore, isExplored, isSimulated, simulate } from './searches.ts';
import { runTests, type TestRun, testFiles } from './test-run.ts';
import type { TypeCheck } from './validity.ts';
import type { Finding } from './worker.ts';
import type { WorkingCopy } from './working-copy.ts';

/** The findings of the searches and the tests for a mutant. */
export interface ExaminedMutant {
  readonly kind: 'examined';
  readonly mutant: Mutant;
  /** Undefined where the simulator does not run this code. */
  readonly simulator: Finding | undefined;
  /** Undefined outside of the core, and where the simulator has found the bug. */
  readonly explorer: Finding | undefined;
  readonly tests: TestRun;
}

/**
 * A mutant that does not fit the source, breaks a type or does not load. It proves nothing about the checks.
 */
export interface InvalidMutant {
  readonly kind: 'invalid';
  readonly mutant: Mutant;
  readonly problem: string;
}

export type Verdict = ExaminedMutant | InvalidMutant;

const INVALID_CODES = new Set(['mutant_outdated', 'mutant_invalid']);

export function isCaught(verdict: Verdict): boolean {
  if (verdict.kind === 'invalid') return false;
  const { simulator, explorer, tests } = verdict;
  return simulator?.property !== undefined || explorer?.property !== undefined || tests.failing !== undefined;
}

interface ExaminationParts {
  readonly copy: WorkingCopy;
  readonly types: TypeCheck;
  readonly baseline: Baseline;
  readonly seconds: number;
}

/** Throws CodedError `baseline_failed`. */
export async function examine(mutant: Mutant, parts: ExaminationParts): Promise<Verdict> {
  try {
    return await examineValid(mutant, parts);
  } catch (error) {
    if (!(error instanceof CodedError) || !INVALID_CODES.has(error.code)) throw error;
    return { kind: 'invalid', mutant, problem: error.message };
  } finally {
    parts.copy.revert();
  }
}

async function examineValid(
  mutant: Mutant,
  { copy, types, baseline, seconds }: ExaminationParts,
): Promise<ExaminedMutant> {
  types.check(mutant);
  copy.apply(mutant);
  await expectLoads(copy.directory, mutant);
  const simulator = isSimulated(mutant) ? await simulate(copy.directory, seconds) : undefined;
  if (simulator?.property !== undefined) await baseline.confirmSeeds(simulator.runs);
  const isOpen = isExplored(mutant) && simulator?.property === undefined;
  const explorer = isOpen ? await explore(copy.directory, seconds) : undefined;
  const tests = await runAllTests(copy.directory, mutant);
  if (tests.failing !== undefined) await baseline.confirmFile(tests.failing.file);
  return { kind: 'examined', mutant, simulator, explorer, tests };
}

/** Runs the tests beside the mutant first: they should be the ones that notice. */
async function runAllTests(directory: string, mutant: Mutant): Promise<TestRun> {
  const { near, far } = testFiles(directory, mutant);
  const first = await runTests(directory, near);
  if (first.failing !== undefined || !first.isEnded) return first;
  const second = await runTests(directory, far);
  return { ...second, files: first.files + second.files, seconds: first.seconds + second.seconds };
}
