// Checks the code without any mutant. A finding counts only where this code is clean: otherwise every mutant
// would be caught. A run of all mutants checks it first. In every run, the seed or test file that found a bug
// is also run without the bug, once.

import { CodedError } from '../../src/shared/coded-error.ts';
import { simulate, simulateSeeds } from './searches.ts';
import { runTests } from './test-run.ts';
import type { Finding } from './worker.ts';

export class Baseline {
  readonly #directory: string;
  readonly #cleanFiles = new Set<string>();
  #cleanSeeds = 0;

  /** `directory` holds a working copy that is never changed. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Runs the simulator for `seconds`, and these test files. Throws CodedError `baseline_failed`, as all
   * methods do.
   */
  async run(files: readonly string[], seconds: number): Promise<string> {
    const finding = await simulate(this.#directory, seconds);
    this.#expectClean(finding);
    const startedAt = performance.now();
    await this.#expectPass(files);
    const testSeconds = (performance.now() - startedAt) / 1_000;
    return (
      `without a mutant: ${finding.runs} seeds clean in ${finding.seconds.toFixed(1)} s, ` +
      `${files.length} test files pass in ${testSeconds.toFixed(1)} s`
    );
  }

  /** Checks that seeds 1 to `seeds` are clean. */
  async confirmSeeds(seeds: number): Promise<void> {
    if (seeds > this.#cleanSeeds) this.#expectClean(await simulateSeeds(this.#directory, seeds));
  }

  async confirmFile(file: string): Promise<void> {
    if (!this.#cleanFiles.has(file)) await this.#expectPass([file]);
  }

  #expectClean({ property, runs }: Finding): void {
    if (property !== undefined) throw failed(`seed ${runs} violates '${property}'`);
    if (runs === 0) throw failed('the simulator did not end in time');
    this.#cleanSeeds = Math.max(this.#cleanSeeds, runs);
  }

  async #expectPass(files: readonly string[]): Promise<void> {
    const { failing, isEnded } = await runTests(this.#directory, files);
    if (!isEnded) throw failed('the tests did not end in time');
    if (failing !== undefined) throw failed(`${failing.file} '${failing.title}' fails`);
    for (const file of files) this.#cleanFiles.add(file);
  }
}

function failed(what: string): CodedError {
  return new CodedError(
    'baseline_failed',
    `without any mutant ${what}: fix this first, since mutants prove nothing until then`,
  );
}
