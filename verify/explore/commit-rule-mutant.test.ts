import { expect, test, vi } from 'vitest';
import { quorumValue } from '../../src/engines/raft/core/quorum.ts';
import type { CoreState } from '../../src/engines/raft/core/state.ts';
import { FIGURE_8, searched } from './scenarios.ts';

/** The mutant counts replicas of an entry of any term. */
vi.mock('../../src/engines/raft/core/commit.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/engines/raft/core/commit.ts')>();
  return {
    ...original,
    maybeCommit: (state: CoreState) =>
      original.commitTo(
        state,
        quorumValue(state.voters, (voter) => state.progress.get(voter)?.match ?? 0),
      ),
  };
});

test('the explorer finds a leader that commits entries of older terms by counting replicas (figure 8, trap 8)', () => {
  const { end, violation } = searched(FIGURE_8);
  expect(end).toBe('violation');
  expect(violation?.property).toMatch(
    /^Leader Completeness: c, leader of term 5, lacks the committed '2:2' at 2/,
  );
  expect(violation?.path.at(-1)).toMatch(/^deliver {4}b→c vote-response/);
});
