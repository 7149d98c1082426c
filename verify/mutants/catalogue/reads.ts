// Traps 25 and 26: reads that must be linearizable.

import type { Mutant } from '../mutant.ts';

export const READS: readonly Mutant[] = [
  {
    id: 'deposed-leader-answers-reads',
    subject: 25,
    file: 'src/engines/raft/core/read-requests.ts',
    edits: [
      {
        find: 'const confirmedRound = quorumValue(voters, roundOf);',
        replace: 'const confirmedRound = Math.max(reads.round, quorumValue(voters, roundOf));',
      },
    ],
    bug: 'A leader confirms a read as soon as it has asked whether it still leads.',
  },
  {
    id: 'read-before-a-commit-in-the-own-term',
    subject: 25,
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: '  if (!state.committedInOwnTerm) state.reads.early.push({ from, requestId });\n  else joinNextRound',
        replace: '  joinNextRound',
      },
    ],
    bug: 'A new leader gives out its commit index before it knows what is committed.',
  },
  {
    id: 'late-heartbeat-answer-confirms-a-read',
    subject: 26,
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: 'progress.readRound = Math.max(progress.readRound, Math.min(message.readRound, state.reads.round));',
        replace: 'progress.readRound = state.reads.round;',
      },
    ],
    bug: 'Any answer to a heartbeat counts for the latest round of reads.',
  },
  {
    id: 'read-ids-begin-anew-with-each-start',
    subject: 26,
    file: 'src/engines/raft/node/requests/client-requests.ts',
    edits: [
      {
        find: `      firstRequestId,
      maxWaiting: limits.maxWaitingReads,`,
        replace: `      firstRequestId: 1,
      maxWaiting: limits.maxWaitingReads,`,
      },
    ],
    bug: 'The answer to a read from before a restart confirms one from after it.',
  },
  {
    id: 'read-before-its-index-is-applied',
    subject: 25,
    file: 'src/engines/raft/node/requests/reads.ts',
    edits: [
      {
        find: 'readIndex > appliedIndex;',
        replace: 'readIndex > appliedIndex + 1;',
      },
    ],
    bug: 'A read is answered one entry too early.',
  },
];
