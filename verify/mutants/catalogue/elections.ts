// Traps 1 to 7: elections and what must be durable.

import type { Mutant } from '../mutant.ts';

export const ELECTIONS: readonly Mutant[] = [
  {
    id: 'vote-written-after-the-term',
    subject: 1,
    file: 'src/engines/raft/node/replica.ts',
    edits: [
      {
        find: 'putHardState(hardState)',
        replace: 'putHardState({ term: hardState.term, votedFor: undefined })',
      },
      {
        find: 'this.core.onPersisted();',
        replace: `this.core.onPersisted();
        if (hardState !== undefined) this.write([putHardState(hardState)]);`,
      },
    ],
    bug: 'Term and vote are two writes, and only the first is waited for: a crash between them frees the vote.',
  },
  {
    id: 'vote-before-the-disk',
    subject: 2,
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: "sendWhenDurable(state, { kind: 'vote-response',",
        replace: "sendNow(state, { kind: 'vote-response',",
      },
    ],
    bug: 'A vote is given before it is on disk.',
  },
  {
    id: 'candidacy-before-the-disk',
    subject: 2,
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: "sendWhenDurable(state, { kind: 'vote-request',",
        replace: "sendNow(state, { kind: 'vote-request',",
      },
    ],
    bug: 'A candidate asks for votes before its own vote is on disk.',
  },
  {
    id: 'append-acknowledged-before-the-disk',
    subject: 2,
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: `  sendWhenDurable(state, {
    kind: 'append-response',`,
        replace: `  sendWhenTermDurable(state, {
    kind: 'append-response',`,
      },
    ],
    bug: 'A follower acknowledges entries when its term is on disk and not when they are.',
  },
  {
    id: 'own-copy-counted-before-the-disk',
    subject: 2,
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: 'own.match = Math.max(own.match, state.log.durableIndex);',
        replace: 'own.match = Math.max(own.match, state.log.lastIndex);',
      },
    ],
    bug: 'A leader counts its own copy of entries that are newer than the write that has just ended.',
  },
  {
    id: 'up-to-date-as-two-comparisons',
    subject: 3,
    file: 'src/engines/raft/core/log.ts',
    edits: [
      {
        find: 'return lastLogTerm > this.lastTerm || (lastLogTerm === this.lastTerm && lastLogIndex >= this.lastIndex);',
        replace: 'return lastLogTerm >= this.lastTerm && lastLogIndex >= this.lastIndex;',
      },
    ],
    bug: 'A log is up to date only when both its last term and its length are: no server can win any more.',
  },
  {
    id: 'longer-log-wins',
    subject: 3,
    file: 'src/engines/raft/core/log.ts',
    edits: [
      {
        find: 'return lastLogTerm > this.lastTerm || (lastLogTerm === this.lastTerm && lastLogIndex >= this.lastIndex);',
        replace: 'return lastLogTerm > this.lastTerm || lastLogIndex >= this.lastIndex;',
      },
    ],
    bug: 'A log that is longer counts as up to date, though its last term is older.',
  },
  {
    id: 'no-loyalty-to-a-living-leader',
    subject: 4,
    file: 'src/engines/raft/core/step.ts',
    edits: [
      {
        find: 'if (!message.leadershipTransfer && isLoyal(state)) return false;',
        replace: '',
      },
    ],
    bug: 'Any candidate with a later term deposes a leader that all servers hear.',
  },
  {
    id: 'no-pre-vote',
    subject: 4,
    file: 'src/engines/raft/core/raft-core.ts',
    edits: [
      {
        find: 'if (isPromotable(state)) campaignWithPreVote(state);',
        replace: 'if (isPromotable(state)) campaign(state, false);',
      },
    ],
    bug: 'A server that hears nothing raises its term without asking first.',
  },
  {
    id: 'start-without-pre-vote',
    subject: 4,
    file: 'src/engines/raft/core/raft-core.ts',
    edits: [
      {
        find: 'standWithin(state, heartbeatTicks + 1 + delay);',
        replace: 'if (delay >= heartbeatTicks) this.campaignNow();',
      },
    ],
    bug: 'A server that has just started stands at once and without asking first.',
  },
  {
    id: 'start-forgets-the-leader',
    subject: 4,
    file: 'src/engines/raft/core/raft-core.ts',
    edits: [
      {
        find: "    if (state.leader !== undefined) return undefined;\n    if (state.role === 'candidate'",
        replace:
          "    if (state.role === 'leader') return undefined;\n    state.leader = undefined;\n    if (state.role === 'candidate'",
      },
    ],
    bug: 'The hint of a start makes a follower of a living leader stand.',
  },
  {
    id: 'hints-end-with-the-first',
    subject: 4,
    file: 'src/engines/raft/node/election-hints.ts',
    edits: [{ find: 'this.#attempts = 1;', replace: '' }],
    bug: 'After the death of a leader a split vote waits for a whole time-out.',
  },
  {
    id: 'hint-ends-any-candidacy',
    subject: 4,
    file: 'src/engines/raft/core/raft-core.ts',
    edits: [
      {
        find: "if (state.role === 'candidate' && ![...state.votes.values()].includes(false)) return undefined;",
        replace: '',
      },
    ],
    bug: 'Where a write takes longer than an attempt, each attempt throws away the votes that were given to the one before.',
  },
  {
    id: 'refused-for-its-log-and-no-more',
    subject: 4,
    file: 'src/engines/raft/core/election.ts',
    edits: [{ find: 'if (!isLoyalNow && !isUpToDate) standInstead(state);', replace: '' }],
    bug: 'The only server that can win waits for a whole time-out, since it asked a moment too early.',
  },
  {
    id: 'hint-against-own-vote',
    subject: 4,
    file: 'src/engines/raft/node/election-hints.ts',
    edits: [{ find: 'this.#giveTimeToVote();', replace: '' }],
    bug: 'A server stands against the candidate that it has just voted for, whose disk is slow.',
  },
  {
    id: 'no-check-quorum',
    subject: 5,
    file: 'src/engines/raft/core/replication.ts',
    edits: [{ find: "return active === 1 ? 'leads' : 'lost-quorum';", replace: "return 'leads';" }],
    bug: 'A leader that no quorum answers goes on leading.',
  },
  {
    id: 'learner-refuses-to-vote',
    subject: 6,
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: 'const granted = free && state.log.isUpToDate(message);',
        replace: 'const granted = free && state.isVoter && state.log.isUpToDate(message);',
      },
    ],
    bug: 'A voter that has not learnt of its promotion refuses to vote.',
  },
  {
    id: 'single-voter-waits-for-answers',
    subject: 7,
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: '}\n  maybeConcludeElection(state);',
        replace: '}',
      },
    ],
    bug: 'A single voter waits for answers before it stands, though there is no other voter.',
  },
  {
    id: 'second-vote-in-a-term',
    subject: 'elections',
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: 'state.votedFor === message.from || (state.votedFor === undefined && state.leader === undefined);',
        replace: 'state.leader === undefined;',
      },
    ],
    bug: 'A server without a leader votes for every candidate that asks.',
  },
];
