import { expect, test, vi } from 'vitest';
import type { Configuration } from '../../src/engines/raft/core/configuration.ts';
import type { ChangeResult } from '../../src/engines/raft/core/membership.ts';
import { syncProgress } from '../../src/engines/raft/core/roles.ts';
import { appendToLog, type CoreState } from '../../src/engines/raft/core/state.ts';
import { searched, TWO_REMOVALS } from './scenarios.ts';

/** The mutant appends a change while another one is uncommitted. */
vi.mock('../../src/engines/raft/core/membership.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../src/engines/raft/core/membership.ts')>()),
  proposeConfiguration: (state: CoreState, configuration: Configuration): ChangeResult => {
    const index = state.log.lastIndex + 1;
    appendToLog(state, [{ kind: 'configuration', index, term: state.term, configuration }]);
    syncProgress(state);
    return { kind: 'appended', index, term: state.term };
  },
}));

test('the explorer finds a leader that makes two membership changes at a time (trap 16)', () => {
  const { end, violation } = searched(TWO_REMOVALS);
  expect(end).toBe('violation');
  expect(violation?.property).toMatch(/^Leader Completeness: b, leader of term 2, lacks the committed/);
  expect(violation?.path.filter((event) => event.startsWith('change'))).toHaveLength(2);
});
