import { describe, expect, test } from 'vitest';
import type { WriteOperation } from '../node/ports.ts';
import { CodedError } from '../shared/coded-error.ts';
import { Draws } from './draws.ts';
import { ProcessLife } from './process-life.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedStore } from './simulated-store.ts';
import { Timeline } from './timeline.ts';

const key = (number: number): Uint8Array => new Uint8Array([number]);

interface World {
  readonly timeline: Timeline;
  readonly disk: SimulatedDisk;
  readonly durable: number[];
  open(): { store: SimulatedStore; life: ProcessLife };
}

function makeWorld({
  seed = 1,
  earlyVisibility = 0,
}: {
  seed?: number;
  earlyVisibility?: number;
} = {}): World {
  const timeline = new Timeline();
  const durable: number[] = [];
  const disk = new SimulatedDisk('disk', {
    timeline,
    draws: new Draws(seed),
    profile: { minWriteMs: 1, meanWriteMs: 1, earlyVisibility },
    observer: { onDurable: (_, operations) => durable.push(operations[0]?.key[0] ?? -1) },
  });
  return {
    timeline,
    disk,
    durable,
    open: () => {
      const life = new ProcessLife('p');
      life.onEnd(() => disk.crash());
      return { store: new SimulatedStore(timeline, disk, life), life };
    },
  };
}

function put(
  store: SimulatedStore,
  number: number,
  ended: (error: Error | undefined) => void = () => undefined,
): void {
  store.write([{ kind: 'put', key: key(number), value: key(number) }], ended);
}

/** The numbers of the rows that a fresh process finds. */
function found({ open }: World): number[] {
  return Array.from(open().store.range({ from: key(0), to: key(255) }), (row) => row.key[0] ?? -1);
}

function runUntil(timeline: Timeline, atMs: number): void {
  while (timeline.step(atMs));
}

describe('writes', () => {
  test('are done in the order of the calls, each after it is durable', () => {
    const world = makeWorld();
    const { store } = world.open();
    const done: number[] = [];
    for (const number of [1, 2, 3]) {
      put(store, number, () => {
        expect(world.durable).toContain(number);
        done.push(number);
      });
    }
    runUntil(world.timeline, 1_000);
    expect(done).toEqual([1, 2, 3]);
    expect(found(world)).toEqual([1, 2, 3]);
  });

  test('are not seen before they are durable, or are, as the profile says', () => {
    for (const earlyVisibility of [0, 1]) {
      const { store } = makeWorld({ earlyVisibility }).open();
      put(store, 1);
      expect(store.get(key(1)) !== undefined).toBe(earlyVisibility === 1);
    }
  });

  test('take the bytes as they were at the call, and give out copies', () => {
    const world = makeWorld();
    const { store } = world.open();
    const value = new Uint8Array([7]);
    store.write([{ kind: 'put', key: key(1), value }], () => undefined);
    value[0] = 8;
    runUntil(world.timeline, 1_000);
    const first = store.get(key(1));
    first?.fill(9);
    expect(store.get(key(1))).toEqual(new Uint8Array([7]));
  });
});

describe('writes apart', () => {
  const rowsOf = (...numbers: readonly number[]): WriteOperation[] =>
    numbers.map((number) => ({ kind: 'put', key: key(number), value: key(number) }));

  test('are done in any order, beside the others, each after it is durable', () => {
    const orders = new Set<string>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = makeWorld({ seed });
      const { store } = world.open();
      const done: number[] = [];
      const note = (number: number) => (): void => {
        expect(world.durable).toContain(number);
        expect(store.get(key(number))).toEqual(key(number));
        done.push(number);
      };
      put(store, 1, note(1));
      store.writeApart(rowsOf(2), note(2));
      put(store, 3, note(3));
      store.writeApart(rowsOf(4), note(4));
      runUntil(world.timeline, 1_000);
      expect(found(world)).toEqual([1, 2, 3, 4]);
      expect(done.indexOf(1)).toBeLessThan(done.indexOf(3));
      orders.add(done.join(''));
    }
    // Six pairs of places for the two that are ordered, and two orders of the others.
    expect(orders.size).toBeGreaterThan(6);
  });

  test('are in a crash there whole or not at all, each for itself', () => {
    const kept = new Set<string>();
    for (let seed = 1; seed <= 80; seed += 1) {
      const world = makeWorld({ seed, earlyVisibility: 0.5 });
      const { store, life } = world.open();
      store.writeApart(rowsOf(1, 2), () => expect.unreachable());
      put(store, 3, () => expect.unreachable());
      store.writeApart(rowsOf(4, 5), () => expect.unreachable());
      life.end();
      runUntil(world.timeline, 2_000);
      const rows = found(world);
      expect([rows.includes(1), rows.includes(4)]).toEqual([rows.includes(2), rows.includes(5)]);
      kept.add(rows.join());
    }
    expect(kept.size).toBe(8);
  });

  test('once seen stay seen, whatever is written and becomes durable beside them', () => {
    const world = makeWorld({ earlyVisibility: 1 });
    const { store } = world.open();
    world.disk.stall(100);
    store.writeApart(rowsOf(1), () => undefined);
    for (const number of [2, 3]) {
      put(store, number);
      expect(store.get(key(1))).toEqual(key(1));
    }
    while (world.timeline.step(1_000)) expect(store.get(key(1))).toEqual(key(1));
  });

  test('of a row that is being written are a bug, and of one that was written are none', () => {
    const world = makeWorld();
    const { store } = world.open();
    const others = 'another write of it is under way';
    put(store, 1);
    expect(() => store.writeApart(rowsOf(0, 1), () => undefined)).toThrow(others);
    store.writeApart(rowsOf(2), () => undefined);
    expect(() => put(store, 2)).toThrow(others);
    expect(() => store.writeApart(rowsOf(2), () => undefined)).toThrow(others);
    runUntil(world.timeline, 1_000);
    store.writeApart([{ kind: 'delete', key: key(1) }], () => undefined);
    put(store, 2);
    runUntil(world.timeline, 2_000);
    expect(found(world)).toEqual([2]);
  });

  test('find no room, fail and wait for a disk as others do', () => {
    const world = makeWorld();
    const { store } = world.open();
    const errors: (string | undefined)[] = [];
    const note = (error: Error | undefined): number =>
      errors.push(error instanceof CodedError ? error.code : undefined);
    world.disk.isFull = true;
    store.writeApart(rowsOf(1), note);
    runUntil(world.timeline, 1_000);
    world.disk.isFull = false;
    world.disk.isBroken = true;
    store.writeApart(rowsOf(1), note);
    runUntil(world.timeline, 2_000);
    world.disk.stall(500);
    store.writeApart(rowsOf(2), () => errors.push(`at ${Math.min(world.timeline.nowMs, 2_500)}`));
    runUntil(world.timeline, 4_000);
    expect(errors).toEqual(['disk_full', 'storage_failed', 'at 2500']);
    expect(found(world)).toEqual([2]);
  });
});

describe('a crash', () => {
  test('keeps what was done, and of the rest some first part', () => {
    const kept = new Set<number>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = makeWorld({ seed });
      const { store, life } = world.open();
      put(store, 1);
      runUntil(world.timeline, 1_000);
      for (const number of [2, 3, 4]) put(store, number, () => expect.unreachable());
      life.end();
      runUntil(world.timeline, 2_000);
      const rows = found(world);
      expect(rows).toEqual([1, 2, 3, 4].slice(0, rows.length));
      expect(world.durable).toEqual(rows);
      kept.add(rows.length);
    }
    expect(kept).toEqual(new Set([1, 2, 3, 4]));
  });

  test('ends the writes of its process: a later call has no effect', () => {
    const world = makeWorld();
    const { store, life } = world.open();
    life.end();
    put(store, 1, () => expect.unreachable());
    runUntil(world.timeline, 1_000);
    expect(found(world)).toEqual([]);
  });

  test('does not disturb the writes of the next process', () => {
    const world = makeWorld();
    const first = world.open();
    put(first.store, 1);
    first.life.end();
    const before = found(world);
    const { store } = world.open();
    let isDone = false;
    put(store, 9, () => {
      isDone = true;
    });
    runUntil(world.timeline, 1_000);
    expect(isDone).toBe(true);
    expect(found(world)).toEqual([...before, 9]);
  });
});

describe('faults', () => {
  test('a full disk refuses writes, changes nothing, and takes them again when there is room', () => {
    const world = makeWorld();
    const { store } = world.open();
    const errors: (string | undefined)[] = [];
    const note = (error: Error | undefined): number =>
      errors.push(error instanceof CodedError ? error.code : undefined);
    world.disk.isFull = true;
    expect(store.space().freeBytes).toBeLessThan(store.space().reserveBytes);
    put(store, 1, note);
    runUntil(world.timeline, 1_000);
    world.disk.isFull = false;
    put(store, 2, note);
    runUntil(world.timeline, 2_000);
    expect(errors).toEqual(['disk_full', undefined]);
    expect(found(world)).toEqual([2]);
  });

  test('a stalled disk ends no write until it goes on', () => {
    const world = makeWorld();
    const { store } = world.open();
    let doneAtMs = 0;
    put(store, 1, () => {
      doneAtMs = world.timeline.nowMs;
    });
    world.disk.stall(500);
    runUntil(world.timeline, 2_000);
    expect(doneAtMs).toBeGreaterThan(500);
  });

  test('a broken disk fails one write', () => {
    const world = makeWorld();
    const { store } = world.open();
    const errors: (string | undefined)[] = [];
    world.disk.isBroken = true;
    for (const number of [1, 2]) {
      put(store, number, (error) => errors.push(error instanceof CodedError ? error.code : undefined));
    }
    runUntil(world.timeline, 1_000);
    expect(errors).toEqual(['storage_failed', undefined]);
    expect(found(world)).toEqual([2]);
  });

  test('a turned bit changes one value by one bit', () => {
    const world = makeWorld();
    const { store } = world.open();
    put(store, 1);
    runUntil(world.timeline, 1_000);
    world.disk.flipBit();
    const bits = ((store.get(key(1))?.[0] ?? 0) ^ 1).toString(2);
    expect(bits.match(/1/g)).toHaveLength(1);
  });

  test('a snapshot stays as it was while writes go on', () => {
    const world = makeWorld();
    const { store } = world.open();
    put(store, 1);
    runUntil(world.timeline, 1_000);
    const snapshot = store.snapshot();
    store.write([{ kind: 'delete', key: key(1) }], () => undefined);
    put(store, 2);
    runUntil(world.timeline, 2_000);
    expect(Array.from(snapshot.range({ from: key(0), to: key(9) }), (row) => row.key)).toEqual([key(1)]);
    snapshot.close();
    expect(() => snapshot.get(key(1))).toThrow('closed');
  });
});
