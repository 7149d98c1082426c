import { expect, test } from 'vitest';
import type { ProposalOutcome } from '../../../engine.ts';
import type { ProposalOrigin } from '../../codec/peer-message.ts';
import { decodeProposal } from '../../codec/proposal-codec.ts';
import { DEFAULT_LIMITS } from '../options.ts';
import { TestClock } from '../testing/clock.ts';
import type { BatchResult } from './forwarding.ts';
import { type ProposalOptions, Proposals } from './proposals.ts';

const OPTIONS: ProposalOptions = {
  ...DEFAULT_LIMITS,
  server: 'a@1',
  boot: 2,
  firstSequence: 100,
  maxWaitingProposals: 4,
  maxProposalBytes: 10,
  leaderWaitMs: 300,
  proposalTimeoutMs: 800,
  resendAfterMs: 100,
};

function createProposals(change: Partial<ProposalOptions> = {}) {
  const clock = new TestClock();
  let sendProposals = (_: readonly Uint8Array[]): BatchResult => 'not-sent';
  const carrier = { sendProposals: (encoded: readonly Uint8Array[]) => sendProposals(encoded) };
  const proposals = new Proposals({ clock, carrier }, { ...OPTIONS, ...change });
  const outcomes = new Map<number, ProposalOutcome[]>();
  let added = 0;
  /** Returns the sequence of the proposal, or why it was refused. */
  const add = (bytes = 1): number | string => {
    const list: ProposalOutcome[] = [];
    const refusal = proposals.add(new Uint8Array(bytes), (outcome) => list.push(outcome));
    if (refusal !== undefined) return refusal;
    const sequence = (change.firstSequence ?? OPTIONS.firstSequence) + added;
    added += 1;
    outcomes.set(sequence, list);
    return sequence;
  };
  /** Sends everything that waits, with `resultOf` each batch; returns the origins of each. */
  const sendEach = (resultOf: (batch: number) => BatchResult): ProposalOrigin[][] => {
    const batches: ProposalOrigin[][] = [];
    sendProposals = (encoded) => {
      batches.push(encoded.map((bytes) => decodeProposal(bytes).origin));
      return resultOf(batches.length);
    };
    proposals.beforeRound();
    return batches;
  };
  /** The same with one result for all; returns the sequences of each batch. */
  const send = (result: BatchResult): number[][] =>
    sendEach(() => result).map((batch) => batch.map(({ sequence }) => sequence));
  const tick = (ms: number): void => {
    clock.advance(ms);
    proposals.onTick();
  };
  const refuse = (sequences: number[], reason: 'not-leader' | 'too-busy' | 'disk-full'): void =>
    proposals.onRefused({ kind: 'proposals-refused', sequences, reason });
  const apply = (sequence: number, change: { server?: string; boot?: number } = {}): void =>
    proposals.onApplied({ server: 'a@1', boot: 2, sequence, settledBelow: 1, ...change }, 'result');
  return {
    proposals,
    add,
    sendEach,
    send,
    tick,
    refuse,
    apply,
    of: (sequence: number) => outcomes.get(sequence),
  };
}

const APPLIED = { kind: 'applied', result: 'result' };
const UNKNOWN = { kind: 'unknown' };

test('a proposal that is applied here is answered, once', () => {
  const { add, send, apply, of } = createProposals();
  add();
  expect(send('taken')).toEqual([[100]]);
  apply(100);
  apply(100);
  expect(of(100)).toEqual([APPLIED]);
});

test('a command of another server, or of an earlier start of this one, answers no proposal here', () => {
  const { add, send, apply, of } = createProposals();
  add();
  send('taken');
  apply(100, { server: 'b@1' });
  apply(100, { boot: 1 });
  expect(of(100)).toEqual([]);
});

test('proposals above the bound, and commands too large for the log, are refused at once (trap 36)', () => {
  const { add } = createProposals();
  expect(add(11)).toBe('too-large');
  expect([1, 2, 3, 4].map(() => add())).toEqual([100, 101, 102, 103]);
  expect(add()).toBe('too-busy');
});

test('a stuck proposal bounds how far the others run ahead, and so the size of the session', () => {
  const { add, send, apply } = createProposals();
  add();
  send('taken');
  let last: number | string = 0;
  for (let more = 0; more < 100 && typeof last === 'number'; more++) {
    last = add();
    send('taken');
    if (typeof last === 'number') apply(last);
  }
  expect(last).toBe('too-busy');
  apply(100);
  expect(add()).toBe(116);
});

test('without a leader proposals wait, and after leaderWaitMs they are refused as no-leader', () => {
  const { add, send, tick, of, proposals } = createProposals();
  add();
  expect(send('not-sent')).toEqual([[100]]);
  tick(299);
  expect(of(100)).toEqual([]);
  tick(1);
  expect(of(100)).toEqual([{ kind: 'refused', reason: 'no-leader' }]);
  expect([send('taken'), proposals.isEmpty]).toEqual([[], true]);
});

test('a proposal that a leader may have taken is never refused: its outcome is unknown (trap 34)', () => {
  const { add, send, tick, of } = createProposals();
  add();
  send('taken');
  tick(799);
  expect(of(100)).toEqual([]);
  tick(1);
  expect(of(100)).toEqual([UNKNOWN]);
});

test('a proposal is sent again when the leader changes, and when no answer comes', () => {
  const { add, send, tick, proposals } = createProposals();
  add();
  add();
  send('taken');
  proposals.onNewLeader();
  expect(send('taken')).toEqual([[100, 101]]);
  tick(99);
  expect(send('taken')).toEqual([]);
  tick(1);
  expect(send('taken')).toEqual([[100, 101]]);
});

test('a leader whose disk is full has the proposal refused', () => {
  const { add, send, of } = createProposals();
  add();
  send('too-busy');
  expect(of(100)).toEqual([{ kind: 'refused', reason: 'too-busy' }]);
});

test('a refused batch answers each of its proposals once, even if the first answer stops the node', () => {
  const { proposals, send } = createProposals();
  const first: ProposalOutcome[] = [];
  proposals.add(new Uint8Array(1), (outcome) => {
    first.push(outcome);
    proposals.onStop();
  });
  const second: ProposalOutcome[] = [];
  proposals.add(new Uint8Array(1), (outcome) => second.push(outcome));
  send('too-busy');
  expect([first, second]).toEqual([
    [{ kind: 'refused', reason: 'too-busy' }],
    [{ kind: 'refused', reason: 'stopped' }],
  ]);
});

test.each(['too-busy', 'disk-full'] as const)('a far leader that says %s has it refused', (reason) => {
  const { add, send, refuse, of } = createProposals();
  add();
  send('taken');
  refuse([100], reason);
  expect(of(100)).toEqual([{ kind: 'refused', reason }]);
});

test('a refusal decides nothing while another sending may have been taken', () => {
  const { add, send, refuse, tick, of, proposals } = createProposals();
  add();
  send('taken');
  proposals.onNewLeader();
  send('taken');
  refuse([100], 'disk-full');
  expect(of(100)).toEqual([]);
  tick(800);
  expect(of(100)).toEqual([UNKNOWN]);
});

test('a refusal of a proposal that waits to be sent again still counts', () => {
  const { add, send, refuse, tick, of, proposals } = createProposals();
  add();
  send('taken');
  proposals.onNewLeader();
  refuse([100], 'not-leader');
  tick(300);
  expect(of(100)).toEqual([{ kind: 'refused', reason: 'no-leader' }]);
});

test('a server that does not lead is not sent the proposal again before the next tick', () => {
  const { add, send, refuse, tick } = createProposals();
  add();
  send('taken');
  refuse([100], 'not-leader');
  expect(send('taken')).toEqual([]);
  tick(1);
  expect(send('taken')).toEqual([[100]]);
});

test('a refusal from before this start of the process has no effect', () => {
  const first = createProposals({ boot: 1, firstSequence: 100 });
  first.add();
  const second = createProposals({ boot: 2, firstSequence: 200 });
  second.add();
  second.send('taken');
  second.refuse([100], 'disk-full');
  expect(second.of(200)).toEqual([]);
});

test('every proposal carries the sequence below which all are settled', () => {
  const { add, apply, proposals, sendEach } = createProposals();
  for (let more = 0; more < 3; more++) add();
  const settled: number[][] = [];
  const send = (): void => {
    for (const batch of sendEach(() => 'taken')) settled.push(batch.map(({ settledBelow }) => settledBelow));
  };
  send();
  apply(101);
  proposals.onNewLeader();
  send();
  apply(100);
  proposals.onNewLeader();
  send();
  expect(settled).toEqual([[100, 100, 100], [100, 100], [102]]);
});

test('batches are bounded, and sending stops at the first that is not sent', () => {
  const { add, sendEach } = createProposals({ maxWaitingProposals: 3_000, maxProposalBytes: 1024 * 1024 });
  for (let more = 0; more < 2_500; more++) add();
  const batches = sendEach((batch) => (batch < 2 ? 'taken' : 'not-sent'));
  expect(batches.map(({ length }) => length)).toEqual([1_024, 1_024]);
  const large = createProposals({ maxProposalBytes: 1024 * 1024 });
  for (let more = 0; more < 3; more++) large.add(600 * 1024);
  expect(large.send('taken')).toEqual([[100], [101], [102]]);
});

test('a stop answers all proposals: unknown if one may have been taken, refused if not', () => {
  const { add, send, of, proposals } = createProposals();
  add();
  send('taken');
  add();
  proposals.onStop();
  expect([of(100), of(101)]).toEqual([[UNKNOWN], [{ kind: 'refused', reason: 'stopped' }]]);
  expect(proposals.isEmpty).toBe(true);
});

test('the handler of an answer may propose again', () => {
  const { proposals, tick } = createProposals();
  const outcomes: ProposalOutcome[] = [];
  proposals.add(new Uint8Array(1), () => {
    proposals.add(new Uint8Array(1), (outcome) => outcomes.push(outcome));
  });
  tick(300);
  expect(outcomes).toEqual([]);
  tick(300);
  expect(outcomes).toHaveLength(1);
});
