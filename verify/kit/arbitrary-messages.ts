// Arbitrary values for property tests of log entries and peer messages.

import fc from 'fast-check';
import type { MemberChange, MemberChangeOutcome } from '../../src/engines/engine.ts';
import type { PeerMessage, Proposal } from '../../src/engines/raft/codec/peer-message.ts';
import type { Configuration, Member } from '../../src/engines/raft/core/configuration.ts';
import type { Entry } from '../../src/engines/raft/core/entry.ts';
import type { Message } from '../../src/engines/raft/core/message.ts';

/** Any whole number of a message, with the bounds of every width. */
export const wholeNumbers = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
);
const positiveNumbers = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(2 ** 32, 2 ** 53 - 1));
/** Low enough that the entries of an append request do not exceed the largest index. */
const logIndexes = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(2 ** 32 - 2, 2 ** 40));
export const texts = fc.string({ unit: 'binary', maxLength: 30 });
export const byteStrings = fc.uint8Array({ maxLength: 40 });

const members: fc.Arbitrary<Member> = fc.record({
  server: texts,
  role: fc.constantFrom('voter' as const, 'learner' as const),
  raftAddress: texts,
  httpAddress: texts,
});

export const configurations: fc.Arbitrary<Configuration> = fc.record({
  members: fc
    .uniqueArray(members, { maxLength: 5, selector: (member) => member.server })
    .map((unsorted) => [...unsorted].sort((a, b) => (a.server < b.server ? -1 : 1))),
  removed: fc.array(texts, { maxLength: 3 }),
});

function entriesAt(index: number): fc.Arbitrary<Entry> {
  return fc.oneof(
    fc.record({
      kind: fc.constant('command' as const),
      index: fc.constant(index),
      term: positiveNumbers,
      data: byteStrings,
    }),
    fc.record({
      kind: fc.constant('configuration' as const),
      index: fc.constant(index),
      term: positiveNumbers,
      configuration: configurations,
    }),
    fc.record({
      kind: fc.constant('leader-start' as const),
      index: fc.constant(index),
      term: positiveNumbers,
    }),
  );
}

export const entries: fc.Arbitrary<Entry> = positiveNumbers.chain(entriesAt);

/** One to five consecutive entries from `firstIndex`. */
export function entryBlocks(firstIndex: number): fc.Arbitrary<Entry[]> {
  return fc
    .integer({ min: 1, max: 5 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => entriesAt(firstIndex + at))));
}

const envelope = { from: texts, to: texts, term: wholeNumbers };

const appendRequests: fc.Arbitrary<Message> = fc
  .tuple(logIndexes, fc.nat({ max: 4 }))
  .chain(([previousLogIndex, count]) =>
    fc.record({
      kind: fc.constant('append-request' as const),
      ...envelope,
      previousLogIndex: fc.constant(previousLogIndex),
      previousLogTerm: wholeNumbers,
      entries: fc.tuple(...Array.from({ length: count }, (_, at) => entriesAt(previousLogIndex + 1 + at))),
      commitIndex: wholeNumbers,
    }),
  );

export const raftMessages: fc.Arbitrary<Message> = fc.oneof(
  appendRequests,
  fc.record({
    kind: fc.constant('pre-vote-request' as const),
    ...envelope,
    lastLogIndex: wholeNumbers,
    lastLogTerm: wholeNumbers,
  }),
  fc.record({
    kind: fc.constantFrom('pre-vote-response' as const, 'vote-response' as const),
    ...envelope,
    granted: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('vote-request' as const),
    ...envelope,
    lastLogIndex: wholeNumbers,
    lastLogTerm: wholeNumbers,
    leadershipTransfer: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('append-response' as const),
    ...envelope,
    success: fc.boolean(),
    index: wholeNumbers,
    hintIndex: wholeNumbers,
    hintTerm: wholeNumbers,
  }),
  fc.record({
    kind: fc.constant('heartbeat-request' as const),
    ...envelope,
    commitIndex: wholeNumbers,
    readRound: wholeNumbers,
  }),
  fc.record({ kind: fc.constant('heartbeat-response' as const), ...envelope, readRound: wholeNumbers }),
  fc.record({ kind: fc.constant('read-index-request' as const), ...envelope, requestId: wholeNumbers }),
  fc.record({
    kind: fc.constant('read-index-response' as const),
    ...envelope,
    requestId: wholeNumbers,
    readIndex: wholeNumbers,
  }),
  fc.record({ kind: fc.constant('timeout-now' as const), ...envelope }),
);

const memberChanges: fc.Arbitrary<MemberChange> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), node: texts, peerAddress: texts, httpAddress: texts }),
  fc.record({ kind: fc.constant('remove' as const), node: texts }),
);

const memberChangeOutcomes: fc.Arbitrary<MemberChangeOutcome> = fc.oneof(
  fc.record({
    kind: fc.constant('done' as const),
    leaderAddress: texts,
    role: fc.constantFrom('voter' as const, 'learner' as const, 'removed' as const),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    code: fc.string({ maxLength: 30 }),
    message: fc.string({ unit: 'binary', maxLength: 200 }),
  }),
  fc.constant({ kind: 'no-leader' as const }),
  fc.constant({ kind: 'unknown' as const }),
);

export const peerMessages: fc.Arbitrary<PeerMessage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('raft' as const), message: raftMessages }) },
  fc.record({
    kind: fc.constant('forwarded-proposals' as const),
    proposals: fc.array(byteStrings, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('proposals-refused' as const),
    sequences: fc.array(wholeNumbers, { maxLength: 4 }),
    reason: fc.constantFrom('not-leader' as const, 'too-busy' as const, 'disk-full' as const),
  }),
  fc.record({
    kind: fc.constant('forwarded-member-change' as const),
    requestId: wholeNumbers,
    change: memberChanges,
  }),
  fc.record({
    kind: fc.constant('member-change-answer' as const),
    requestId: wholeNumbers,
    outcome: memberChangeOutcomes,
  }),
  fc.record({ kind: fc.constant('introduction' as const), raftAddress: texts }),
);

export const proposals: fc.Arbitrary<Proposal> = fc.record({
  origin: fc.record({
    server: texts,
    boot: wholeNumbers,
    sequence: wholeNumbers,
    settledBelow: wholeNumbers,
  }),
  command: byteStrings,
});
