import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import type { Mutant } from './mutant.ts';
import { firstFailing, testFiles } from './test-run.ts';

const MUTANT: Mutant = {
  id: 'm',
  subject: 'storage',
  file: 'src/engines/raft/storage/open-store.ts',
  edits: [],
  bug: '',
};

describe('the tests that run on a mutant', () => {
  test('are those beside its file first, with the contract of the port; then all others', () => {
    const { near, far } = testFiles(PROJECT_ROOT, MUTANT);
    expect(near).toContain('src/engines/raft/storage/data-directory.test.ts');
    expect(near).toContain('test/contracts/key-value-store-power-loss.test.ts');
    expect(near).not.toContain('src/engines/raft/core/log.property.test.ts');
    expect(far).toContain('src/engines/raft/core/log.property.test.ts');
  });

  test('never include tests that compare text, or that run the simulator or the explorer', () => {
    const { near, far } = testFiles(PROJECT_ROOT, MUTANT);
    expect([...near, ...far].filter((name) => !/^(?:src|test\/contracts)\//.test(name))).toEqual([]);
    expect([...near, ...far].filter((name) => /^verify\//.test(name))).toEqual([]);
  });
});

describe("vitest's report", () => {
  const asked = { directory: '/tmp', stderr: '' };
  const passing = { name: '/tmp/src/a.test.ts', status: 'passed', assertionResults: [] };

  test.each([
    ['that failed', 'failed', 'failed'],
    ['that never ran, since a signal ended its process', 'passed', 'pending'],
  ])('names the first test %s', (_, fileStatus, testStatus) => {
    const file = {
      name: '/tmp/src/b.test.ts',
      status: fileStatus,
      assertionResults: [
        { status: 'passed', fullName: 'one' },
        { status: testStatus, fullName: 'two' },
      ],
    };
    expect(firstFailing({ testResults: [passing, file] }, asked)).toEqual({
      file: 'src/b.test.ts',
      title: 'two',
    });
  });

  test('may have a file that failed outside of its tests', () => {
    const failed = { name: '/tmp/src/b.test.ts', status: 'failed', assertionResults: [] };
    expect(firstFailing({ testResults: [failed] }, asked).title).toBe('outside of its tests');
  });

  test('may have an error outside of all files', () => {
    const stderr = 'Unhandled Errors\nError: a write after the end\n    at somewhere';
    expect(firstFailing({ testResults: [passing] }, { ...asked, stderr }).title).toContain(
      'Error: a write after the end',
    );
  });
});
