// Traps 34 to 36: answers to clients, and bounds on waiting requests.

import type { Mutant } from '../mutant.ts';

export const CLIENTS: readonly Mutant[] = [
  {
    id: 'unknown-told-as-refused',
    subject: 34,
    file: 'src/engines/raft/node/requests/proposals.ts',
    edits: [
      {
        find: 'if (pending.openSendings === 0 && age >= leaderWaitMs) {',
        replace: 'if (age >= leaderWaitMs) {',
      },
    ],
    bug: 'A write that a leader may have accepted is reported as refused when no answer comes.',
  },
  {
    id: 'one-refusal-decides',
    subject: 34,
    file: 'src/engines/raft/node/requests/proposals.ts',
    edits: [
      {
        find: "if (pending.openSendings === 0) this.#settle(pending, { kind: 'refused', reason });",
        replace: "this.#settle(pending, { kind: 'refused', reason });",
      },
    ],
    bug: 'A refusal is the answer although another leader may have accepted the write.',
  },
  {
    id: 'what-waits-said-to-be-settled',
    subject: 35,
    file: 'src/engines/raft/node/requests/proposals.ts',
    edits: [
      {
        find: 'const settledBelow = this.#pending.oldest;',
        replace: 'const settledBelow = this.#pending.next;',
      },
    ],
    bug: 'A waiting write is announced as settled, and every server takes it for a repetition.',
  },
  {
    id: 'repetition-applied-again',
    subject: 35,
    file: 'src/engines/raft/node/sessions.ts',
    edits: [{ find: 'if (session.applied.has(origin.sequence)) return false;', replace: '' }],
    bug: 'A write that was sent to two leaders is applied twice.',
  },
  {
    id: 'sessions-not-read-after-a-snapshot',
    subject: 35,
    file: 'src/engines/raft/node/replica.ts',
    edits: [{ find: 'this.#applier.sessions.load(this.state.rows);', replace: '' }],
    bug: 'The sessions of a snapshot are not loaded: a repeated write is applied again.',
  },
  {
    id: 'sessions-not-saved-with-the-state',
    subject: 35,
    file: 'src/engines/raft/node/replica.ts',
    edits: [{ find: 'this.#applier.sessions.save(this.state.rows);', replace: '' }],
    bug: 'The sessions are lost in a restart: a repeated write is applied again.',
  },
  {
    id: 'reads-without-bound',
    subject: 36,
    file: 'src/engines/raft/core/read-requests.ts',
    edits: [
      {
        find: 'return reads.waiting.length + reads.early.length >= MAX_WAITING_READS;',
        replace: 'return reads.waiting.length - reads.early.length > Number.MAX_SAFE_INTEGER;',
      },
    ],
    bug: 'Any number of reads may wait on a leader.',
  },
  {
    id: 'answers-pile-up-behind-a-disk',
    subject: 36,
    file: 'src/engines/raft/core/state.ts',
    edits: [{ find: 'else if (state.waitingMessages.length < MAX_WAITING_MESSAGES)', replace: 'else' }],
    bug: 'Answers that wait for a disk that does not answer are kept without bound.',
  },
  {
    id: 'proposals-without-bound',
    subject: 36,
    file: 'src/engines/raft/node/requests/proposals.ts',
    edits: [{ find: "if (this.#pending.size >= maxWaitingProposals) return 'too-busy';", replace: '' }],
    bug: 'Any number of writes may wait on a node.',
  },
];
