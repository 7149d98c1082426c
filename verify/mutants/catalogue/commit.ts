// Traps 8 to 14: commit and log matching.

import type { Mutant } from '../mutant.ts';

export const COMMIT: readonly Mutant[] = [
  {
    id: 'older-term-committed-by-counting',
    subject: 8,
    file: 'src/engines/raft/core/commit.ts',
    edits: [
      {
        find: 'if (index <= state.commitIndex || state.log.term(index) !== state.term) return;',
        replace: 'if (index <= state.commitIndex) return;',
      },
    ],
    bug: 'Copies of an entry of an older term commit it (figure 8).',
  },
  {
    id: 'quorum-of-a-list-sorted-as-text',
    subject: 9,
    file: 'src/engines/raft/core/quorum.ts',
    edits: [{ find: '.sort((a, b) => b - a)', replace: '.sort().reverse()' }],
    bug: 'Indexes are sorted as text: 9 comes after 10.',
  },
  {
    id: 'half-is-a-majority',
    subject: 9,
    file: 'src/engines/raft/core/quorum.ts',
    edits: [{ find: 'return Math.floor(count / 2) + 1;', replace: 'return Math.ceil(count / 2);' }],
    bug: 'Two of four are a majority.',
  },
  {
    id: 'short-append-truncates',
    subject: 10,
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: '  if (position === -1) return;\n',
        replace: `  if (position === -1) {
    const end = message.previousLogIndex + message.entries.length;
    if (end < state.log.lastIndex) state.log.truncateFrom(end + 1);
    while (state.latestConfiguration.index > end) state.configurations.pop();
    return;
  }
`,
      },
    ],
    bug: 'A short or late append truncates the entries behind it, though nothing conflicts.',
  },
  {
    id: 'commit-past-what-was-verified',
    subject: 11,
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: 'commitTo(state, Math.min(message.commitIndex, lastVerified));',
        replace: 'commitTo(state, Math.min(message.commitIndex, state.log.lastIndex));',
      },
    ],
    bug: "A follower commits entries of its own that this append has not compared with the leader's.",
  },
  {
    id: 'heartbeat-commits-what-does-not-match',
    subject: 11,
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: 'const commitIndex = Math.min(progress.match, state.commitIndex);',
        replace: 'const { commitIndex } = state;',
      },
    ],
    bug: 'A heartbeat carries the whole commit index to a follower whose log may differ.',
  },
  {
    id: 'first-commit-of-a-term-is-not-told',
    subject: 'commit',
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: 'sentCommit < Math.max(awaitedCommit, leaderStartIndex)',
        replace: 'sentCommit < awaitedCommit',
      },
    ],
    bug: 'A new leader announces the commits of its predecessor only with its first heartbeat.',
  },
  {
    id: 'compacted-previous-index-is-refused',
    subject: 12,
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: 'if (message.previousLogIndex < state.commitIndex) {',
        replace: 'if (message.previousLogIndex < 0) {',
      },
    ],
    bug: 'An append whose previous entry is compacted here counts as a conflict.',
  },
  {
    id: 'back-off-entry-by-entry',
    subject: 13,
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: 'nextTry: lastPossibleMatch(state.log, message) + 1 });',
        replace: 'nextTry: Math.max(lastPossibleMatch(state.log, message) + 1, message.index) });',
      },
    ],
    bug: 'A leader goes back one entry for each refusal, whatever the follower hints.',
  },
  {
    id: 'log-truncated-into-what-is-compacted',
    subject: 14,
    file: 'src/engines/raft/core/log.ts',
    edits: [
      {
        find: 'truncateFrom(from: number): void {\n    assert(from > this.#start.index,',
        replace: 'truncateFrom(from: number): void {\n    assert(from >= 0,',
      },
    ],
    bug: 'Nothing asserts that the log is not truncated below what was applied.',
  },
  {
    id: 'late-answer-moves-match-back',
    subject: 'commit',
    file: 'src/engines/raft/core/progress.ts',
    edits: [{ find: 'if (hasAdvanced) this.match = index;', replace: 'this.match = index;' }],
    bug: 'An acknowledgement that comes late makes the leader forget what the follower has.',
  },
  {
    id: 'sent-counts-as-held',
    subject: 'commit',
    file: 'src/engines/raft/core/progress.ts',
    edits: [
      {
        find: `    this.next = lastIndex + 1;
    this.#inflights.push`,
        replace: `    this.next = lastIndex + 1;
    this.match = lastIndex;
    this.#inflights.push`,
      },
    ],
    bug: 'Entries that were sent to a follower count as replicated.',
  },
  {
    id: 'refused-probe-is-not-checked',
    subject: 'commit',
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: 'if (state.log.term(message.previousLogIndex) !== message.previousLogTerm) {',
        replace: 'if (message.previousLogIndex > state.log.lastIndex) {',
      },
    ],
    bug: 'A follower checks that it has the previous entry, and ignores the term of it.',
  },
];
