import { describe, expect, test } from 'vitest';
import { loadDurableState } from './log/durable-records.ts';
import { firstIndexOf } from './log/keys.ts';
import { MAX_BLOCK_ENTRIES } from './log/log-blocks.ts';
import type { RaftLimits } from './options.ts';
import { ALONG, createFollower, LEADER, logOf, TERM } from './testing/follower.ts';
import { TestDisk, type TestStore, textOf } from './testing/store.ts';

/** Describes what one write puts and deletes. */
function describeWrite(operations: TestStore['written'][number] = []): string[] {
  return operations.map(({ kind, key }) => {
    const text = textOf(key);
    if (text.startsWith('l')) return `${kind} block ${firstIndexOf(key)}`;
    return text.startsWith('s') ? `${kind} row ${text.slice(5)}` : `${kind} ${text}`;
  });
}

describe('one write', () => {
  test('term, entries and the state that they led to are one atomic write (traps 1, 24)', () => {
    const { append, store, clock } = createFollower();
    append(logOf(2), { commitIndex: 2 });
    clock.advance(5);
    expect(store.written.map(describeWrite)).toEqual([
      ['put m/hard-state', 'put block 1', 'put row count/x2', 'put row raft/session/o@1', 'put m/applied'],
    ]);
  });

  test('a message that promises durability leaves after the write (trap 2)', () => {
    const { append, store, clock, sent } = createFollower();
    store.isHeld = true;
    append(logOf(2), { commitIndex: 2 });
    clock.advance(500);
    expect(sent).toEqual([]);
    store.release();
    clock.advance(5);
    expect(sent).toMatchObject([{ kind: 'append-response', success: true, index: 2 }]);
  });

  test('entries that come while a write is under way go into one next write', () => {
    const { append, store, clock } = createFollower(ALONG);
    store.isHeld = true;
    const log = logOf(6);
    append(log.slice(0, 2));
    append(log.slice(2, 4), { previous: { index: 2, term: TERM } });
    append(log.slice(4, 6), { previous: { index: 4, term: TERM }, commitIndex: 6 });
    expect(store.pendingWrites).toBe(1);
    store.release();
    clock.advance(10);
    expect(store.written).toHaveLength(2);
    expect(loadDurableState(store)).toMatchObject({ lastLog: { index: 6 }, applied: { index: 6 } });
  });

  test('a write may have more operations than a call has arguments', () => {
    const { append, store, clock, fatal } = createFollower({ ...ALONG, maxApplyBytes: 1e9 });
    const moreThanACallTakes = 150_000;
    store.onWritten = () => undefined;
    append(
      Array.from({ length: moreThanACallTakes }, (_, at) => ({
        kind: 'leader-start',
        index: at + 1,
        term: TERM,
      })),
    );
    clock.advance(5);
    const operations = Math.ceil(moreThanACallTakes / MAX_BLOCK_ENTRIES) + 1;
    expect([fatal, store.written.length, store.written[0]?.length]).toEqual([[], 1, operations]);
  });
});

test('messages leave before committed entries are applied: the other nodes work meanwhile', () => {
  const { append, replica, clock, steps, self } = createFollower();
  append(logOf(3));
  clock.advance(5);
  expect(steps).toEqual(['1 sent']);
  // In one turn: entries to apply, and a question to answer.
  replica.core.step({
    kind: 'heartbeat-request',
    from: LEADER,
    to: self,
    term: TERM,
    commitIndex: 3,
    readRound: 1,
  });
  replica.schedule();
  clock.settle();
  expect(steps).toEqual(['1 sent', '2 sent', '1 applied', '2 applied']);
});

test('entries are applied for some milliseconds a turn, and other work runs between', () => {
  const { append, clock, applied } = createFollower({ ...ALONG, maxApplyBytes: 1 });
  const entryMs = 3;
  const now = clock.now.bind(clock);
  const startedAt = now();
  clock.now = () => now() + applied.length * entryMs;
  const seen: number[] = [];
  const look = (): void => {
    seen.push(clock.now() - startedAt);
    if (applied.length < 19) clock.soon(look);
  };
  clock.soon(look);
  append(logOf(20), { commitIndex: 20 });
  expect(applied).toHaveLength(19);
  // Before the first turn other work had long.
  const turns = seen.map((at, turn) => at - (seen[turn - 1] ?? 0)).slice(2);
  expect(turns.length).toBeGreaterThan(2);
  expect(Math.max(...turns)).toBeLessThan(15);
  expect(Math.max(...turns)).toBeGreaterThan(entryMs);
});

test('when other work takes long, applying may take as long, within a bound', () => {
  const { append, clock, applied } = createFollower({ ...ALONG, maxApplyBytes: 1 });
  const now = clock.now.bind(clock);
  let othersMs = 0;
  clock.now = () => now() + applied.length * 3 + othersMs;
  const counts: number[] = [];
  const others = (): void => {
    counts.push(applied.length);
    othersMs += 18;
    if (applied.length < 40) clock.soon(others);
  };
  clock.soon(others);
  append(logOf(41), { commitIndex: 41 });
  const turns = counts.map((count, turn) => count - (counts[turn - 1] ?? 0)).slice(2);
  expect(turns.length).toBeGreaterThan(2);
  expect(Math.max(...turns)).toBe(6);
});

describe('a log that is truncated', () => {
  const [OLD, NEW] = [3, 4];

  test("while its write is under way ends like the new leader's, and no old entry is acknowledged", () => {
    const { append, store, clock, sent } = createFollower(ALONG);
    store.isHeld = true;
    append(logOf(9, OLD), { term: OLD, commitIndex: 1 });
    const fresh = logOf(6, NEW).slice(4);
    append(fresh, { term: NEW, from: 'o@1', previous: { index: 4, term: OLD }, commitIndex: 1 });
    store.release();
    clock.advance(10);
    // Four entries of the block of nine stay.
    expect(describeWrite(store.written[1])).toEqual(expect.arrayContaining(['put block 1', 'put block 5']));
    expect(loadDurableState(store)).toMatchObject({ lastLog: { index: 6, term: NEW } });
    const promised = sent.flatMap((message) => (message.kind === 'append-response' ? [message] : []));
    expect(promised.map(({ to, term, index }) => [to, term, index])).toEqual([['o@1', NEW, 6]]);
  });

  test('by a second write that a crash loses has the entries of the first', () => {
    const disk = new TestDisk();
    const { append, store, clock } = createFollower(ALONG, disk);
    append(logOf(9, OLD), { term: OLD, commitIndex: 1 });
    clock.advance(5);
    store.isHeld = true;
    append(logOf(6, NEW).slice(4), { term: NEW, from: 'o@1', previous: { index: 4, term: OLD } });
    const again = createFollower(ALONG, disk);
    expect([again.replica.core.lastLogIndex, again.replica.core.term]).toEqual([9, OLD]);
  });
});

describe('the state', () => {
  test('is written after a while, with a write of the log', () => {
    const { append, store, clock } = createFollower({ flushStateAfterMs: 50 });
    append(logOf(3).slice(0, 2), { commitIndex: 2 });
    clock.advance(5);
    expect(loadDurableState(store)).toMatchObject({ applied: { index: 0 }, lastLog: { index: 2 } });
    clock.advance(60);
    append(logOf(3).slice(2), { previous: { index: 2, term: TERM }, commitIndex: 3 });
    clock.advance(5);
    expect(loadDurableState(store)).toMatchObject({ applied: { index: 3 }, lastLog: { index: 3 } });
    expect(store.written).toHaveLength(2);
  });

  test('is written early when it is large', () => {
    const { append, store, clock } = createFollower({ flushStateAfterMs: 1_000, flushStateBytes: 1 });
    append(logOf(3), { commitIndex: 3 });
    clock.advance(5);
    expect(loadDurableState(store)?.applied.index).toBe(3);
  });

  test('is written alone when no log write takes it along', () => {
    const { append, store, clock, replica } = createFollower({ flushStateAfterMs: 50 });
    append(logOf(3), { commitIndex: 3 });
    clock.advance(5);
    replica.tick();
    clock.advance(60);
    expect(loadDurableState(store)?.applied.index).toBe(0);
    replica.tick();
    clock.advance(5);
    expect(loadDurableState(store)?.applied.index).toBe(3);
    replica.tick();
    clock.advance(5);
    expect(store.written).toHaveLength(2);
  });

  test('is never on disk ahead of the log that it comes from', () => {
    const { append, store, clock, replica } = createFollower({ flushStateAfterMs: 0 });
    store.isHeld = true;
    const log = logOf(9);
    append(log.slice(0, 3), { commitIndex: 3 });
    // Committed and applied before the disk has any of it.
    append(log.slice(3), { previous: { index: 3, term: TERM }, commitIndex: 9 });
    expect([replica.appliedIndex, store.pendingWrites]).toEqual([9, 1]);
    store.release();
    // The tick comes after the first write was reported, and before the next one is issued.
    const writeMs = 1;
    clock.after(writeMs, () => replica.tick());
    clock.advance(10);
    // `loadDurableState` has checked every write in between.
    expect(loadDurableState(store)?.applied.index).toBe(9);
  });

  test('that a crash lost is applied again from the log, once (trap 24)', () => {
    const disk = new TestDisk();
    const first = createFollower(ALONG, disk);
    first.append(logOf(5), { commitIndex: 2 });
    first.clock.advance(5);
    first.append([], { previous: { index: 5, term: TERM }, commitIndex: 5 });
    expect(first.replica.state.rows.get('count/x5')).toBe(1);
    const again = createFollower(ALONG, disk);
    expect([again.replica.appliedIndex, again.replica.state.rows.get('count/x5')]).toEqual([2, undefined]);
    again.append([], { previous: { index: 5, term: TERM }, commitIndex: 5 });
    const counts = [2, 3, 4, 5].map((index) => again.replica.state.rows.get(`count/x${index}`));
    expect(counts).toEqual([1, 1, 1, 1]);
  });
});

describe('compaction', () => {
  const LIMITS = { compactAfterEntries: 10, keepEntries: 3, flushStateAfterMs: 0 };

  function filled(floor: number, limits: Partial<RaftLimits> = LIMITS) {
    const follower = createFollower(limits);
    follower.floor.index = floor;
    follower.append(logOf(30), { commitIndex: 30 });
    follower.clock.advance(5);
    for (let more = 0; more < 3; more++) {
      follower.replica.tick();
      follower.clock.advance(5);
    }
    return follower;
  }

  test('keeps the last entries for followers that are a little behind', () => {
    const { store, replica } = filled(Number.POSITIVE_INFINITY);
    expect(loadDurableState(store)).toMatchObject({ logStart: { index: 27 }, lastLog: { index: 30 } });
    expect(replica.snapshotIndex).toBe(27);
  });

  test('never passes the floor: a snapshot on its way ends there', () => {
    expect(loadDurableState(filled(12).store)?.logStart.index).toBe(12);
  });

  test('never passes the state that is on disk', () => {
    const follower = createFollower({ ...LIMITS, ...ALONG });
    follower.append(logOf(30), { commitIndex: 4 });
    follower.clock.advance(5);
    follower.append([], { previous: { index: 30, term: TERM }, commitIndex: 30 });
    follower.replica.tick();
    follower.clock.advance(5);
    expect(follower.replica.appliedIndex).toBe(30);
    expect(loadDurableState(follower.store)?.logStart.index).toBe(4);
  });

  test('leaves the kept entries readable', () => {
    const { replica } = filled(12);
    expect(replica.core.termAt(13)).toBe(TERM);
  });
});

describe('trouble', () => {
  test('a full disk delays everything, acknowledges nothing, and continues when there is space (trap 33)', () => {
    const { append, store, clock, sent, replica, fatal } = createFollower();
    store.failure = 'disk_full';
    append(logOf(5), { commitIndex: 5 });
    for (let more = 0; more < 20; more++) {
      replica.tick();
      clock.advance(100);
    }
    expect(sent.filter(({ kind }) => kind === 'append-response')).toEqual([]);
    expect([replica.isDiskFull, fatal]).toEqual([true, []]);
    store.failure = undefined;
    clock.advance(1_000);
    expect(sent).toContainEqual(expect.objectContaining({ kind: 'append-response', index: 5 }));
    expect(loadDurableState(store)?.applied.index).toBe(5);
  });

  test('a broken invariant stops the node, and nothing is written after it', () => {
    const { replica, append, clock, store, fatal } = createFollower();
    replica.runOrStop(() => {
      throw new Error('a broken invariant');
    });
    append(logOf(5), { commitIndex: 5 });
    clock.advance(50);
    expect([fatal.map(({ message }) => message), store.written]).toEqual([['a broken invariant'], []]);
  });

  test('a node that stops during a write gets no report of it', () => {
    const { replica, append, clock, sent } = createFollower();
    append(logOf(5), { commitIndex: 5 });
    replica.stop();
    clock.advance(50);
    expect(sent).toEqual([]);
  });
});
