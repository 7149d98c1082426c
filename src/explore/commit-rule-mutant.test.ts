import { expect, test, vi } from 'vitest';
import { quorumValue } from '../raft/quorum.ts';
import type { CoreState } from '../raft/state.ts';
import { FIGURE_8, searched } from './test-scenarios.ts';

/** The mutant: replicas are counted, whatever the term of the entry. */
vi.mock('../raft/commit.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../raft/commit.ts')>();
  return {
    ...original,
    maybeCommit: (state: CoreState) =>
      original.commitTo(
        state,
        quorumValue(state.voters, (voter) => state.progress.get(voter)?.match ?? 0),
      ),
  };
});

test('figure 8: counting replicas of an entry of an older term is found (trap 8)', () => {
  const { end, violation } = searched(FIGURE_8);
  expect(end).toBe('violation');
  expect(violation?.property).toMatch(
    /^leader completeness: c, leader of term 5, lacks the committed '2:2' at 2/,
  );
  expect(violation?.path.at(-1)).toMatch(/^deliver {4}b→c vote-response/);
});
