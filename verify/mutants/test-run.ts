// Runs vitest on a working copy, until the first test fails.

import fs from 'node:fs';
import path from 'node:path';
import { runNode } from './child-run.ts';
import type { Mutant } from './mutant.ts';

interface FailingTest {
  /** A path from the project's root. */
  readonly file: string;
  readonly title: string;
}

/** `failing` is undefined when all tests passed, and when they did not end in time. */
export interface TestRun {
  readonly failing: FailingTest | undefined;
  readonly isEnded: boolean;
  readonly files: number;
  readonly seconds: number;
}

/** Folders of the tests that count. Tests of the simulator and the explorer would repeat the searches. */
const FOLDERS = ['src', 'test/contracts'];
const IS_STORE = /^src\/engines\/raft\/storage\//;
/** The contract tests of the store's port. */
const STORE_CONTRACT = 'test/contracts/key-value-store';
const BOUND_SECONDS = 600;

/** Returns the test files that run first, beside the mutant's file, and all others. */
export function testFiles(root: string, mutant: Mutant): { near: string[]; far: string[] } {
  const files = FOLDERS.flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => path.posix.join(folder, name.split(path.sep).join('/'))),
  ).filter((name) => name.endsWith('.test.ts'));
  const beside = `${path.posix.dirname(mutant.file)}/`;
  const isNear = (name: string): boolean =>
    name.startsWith(beside) || (IS_STORE.test(mutant.file) && name.startsWith(STORE_CONTRACT));
  return { near: files.filter(isNear), far: files.filter((name) => !isNear(name)) };
}

export async function runTests(directory: string, files: readonly string[]): Promise<TestRun> {
  const report = path.join(directory, 'mutants-report.json');
  fs.rmSync(report, { force: true });
  const vitest = path.join(directory, 'node_modules', 'vitest', 'vitest.mjs');
  const options = ['--project=unit', '--bail=1', '--maxWorkers=1', '--cache=false', '--reporter=json'];
  const { code, seconds, stderr, stdout } = await runNode(
    [vitest, 'run', ...options, `--outputFile=${report}`, ...files],
    { directory, boundSeconds: BOUND_SECONDS },
  );
  const run = { files: files.length, seconds };
  if (code === undefined) return { ...run, failing: undefined, isEnded: false };
  if (code === 0) return { ...run, failing: undefined, isEnded: true };
  if (!fs.existsSync(report)) throw new Error(`vitest made no report:\n${stderr}${stdout}`);
  const content = JSON.parse(fs.readFileSync(report, 'utf8')) as VitestReport;
  return { ...run, failing: firstFailing(content, { directory, stderr }), isEnded: true };
}

/** The fields of vitest's report that are read here. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** `stderr` is the output of vitest beside its report. */
export function firstFailing(
  { testResults }: VitestReport,
  { directory, stderr }: { directory: string; stderr: string },
): FailingTest {
  const fileOf = (name: string): string => path.relative(fs.realpathSync(directory), name);
  const failing = testResults.find(({ status }) => status === 'failed');
  if (failing !== undefined) {
    const failed = failing.assertionResults.find((one) => one.status === 'failed');
    return { file: fileOf(failing.name), title: failed?.fullName ?? 'outside of its tests' };
  }
  // Where a signal ended the process of a file, vitest reports the file as passed and its last tests as
  // pending.
  for (const { name, assertionResults } of testResults) {
    const pending = assertionResults.find(({ status }) => status === 'pending');
    if (pending !== undefined) return { file: fileOf(name), title: pending.fullName };
  }
  const [error = 'unknown'] = /^.*Error: .*$/m.exec(stderr) ?? [];
  return { file: 'vitest', title: `an error outside of any test: ${error}` };
}
