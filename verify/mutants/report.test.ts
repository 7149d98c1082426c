import { describe, expect, test } from 'vitest';
import type { ExaminedMutant, InvalidMutant } from './examination.ts';
import { formatProblems, formatTable, formatTotals } from './report.ts';

const MUTANT = {
  id: 'off-by-one',
  subject: 9,
  file: 'src/engines/raft/core/quorum.ts',
  edits: [],
  bug: 'One too few.',
};
const SURVIVOR: ExaminedMutant = {
  kind: 'examined',
  mutant: MUTANT,
  simulator: { property: undefined, runs: 40, seconds: 20.2 },
  explorer: { property: undefined, runs: 5, seconds: 20 },
  tests: { failing: undefined, isEnded: true, files: 80, seconds: 60 },
};
const BY_SIMULATOR: ExaminedMutant = {
  ...SURVIVOR,
  simulator: { property: 'election safety', runs: 3, seconds: 2.13 },
  explorer: undefined,
};
const BY_TEST: ExaminedMutant = {
  ...SURVIVOR,
  simulator: undefined,
  explorer: undefined,
  tests: { ...SURVIVOR.tests, failing: { file: 'src/x.test.ts', title: 'a | b' } },
};
const BY_EXPLORER: ExaminedMutant = {
  ...SURVIVOR,
  explorer: { property: 'log matching', runs: 1, seconds: 4 },
};
const INVALID: InvalidMutant = {
  kind: 'invalid',
  mutant: MUTANT,
  problem: 'mutant off-by-one does not load',
};

describe('the report', () => {
  test('is a row for each mutant: what found it, after how many seeds and seconds', () => {
    expect(formatTable([BY_SIMULATOR, BY_EXPLORER, BY_TEST, SURVIVOR]).split('\n').slice(2)).toEqual([
      '| `off-by-one` | 9 | election safety, 3 seeds, 2.1 s | none |',
      '| `off-by-one` | 9 | explorer: log matching, 4.0 s | none |',
      "| `off-by-one` | 9 | does not run this | `src/x.test.ts` 'a \\| b' |",
      '| `off-by-one` | 9 | nothing in 40 seeds, 20 s | none |',
    ]);
  });

  test('names the survivors, and says who caught the others', () => {
    const totals = formatTotals([BY_SIMULATOR, BY_EXPLORER, BY_TEST, SURVIVOR], 90.4).split('\n');
    expect(totals).toEqual([
      '4 mutants in 90 s',
      'caught: 3',
      '  by the simulator: 1 of the 3 that it runs',
      '  by the explorer, of those that the simulator missed: 1',
      '  by a test: 1',
      'SURVIVE: off-by-one',
    ]);
    expect(formatTotals([BY_TEST], 1)).toContain('none survives');
  });

  test('counts an invalid mutant apart, as neither caught nor a survivor, and gives its problem', () => {
    expect(formatTable([INVALID])).toContain('| INVALID: mutant off-by-one does not load | not run |');
    const totals = formatTotals([BY_TEST, INVALID], 1);
    expect(totals).toContain('caught: 1\n');
    expect(totals).toContain('none survives\nINVALID, 1: off-by-one');
    expect(formatProblems([BY_TEST, INVALID])).toBe('mutant off-by-one does not load');
  });
});
