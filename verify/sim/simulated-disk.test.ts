import { describe, expect, test } from 'vitest';
import type {
  ImageStaging,
  StoreImage,
  WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { Draws } from '../kit/draws.ts';
import { encodeRowImage } from '../kit/row-image.ts';
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
      return { store: new SimulatedStore(timeline, disk, life, { checksSeals: false }), life };
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

/** The numbers of the rows that a new process reads. */
function found({ open }: World): number[] {
  return Array.from(open().store.range({ from: key(0), to: key(255) }), (row) => row.key[0] ?? -1);
}

function runUntil(timeline: Timeline, atMs: number): void {
  while (timeline.step(atMs));
}

describe('writes of a simulated disk', () => {
  test('complete in the order of the calls, each when it is durable', () => {
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

  test('are visible before they are durable only if the profile says so', () => {
    for (const earlyVisibility of [0, 1]) {
      const { store } = makeWorld({ earlyVisibility }).open();
      put(store, 1);
      expect(store.get(key(1)) !== undefined).toBe(earlyVisibility === 1);
    }
  });

  test('copy the bytes of the call, and reads return copies', () => {
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

/** An image whose rows have their numbers as bytes. */
function imageOf(...numbers: readonly number[]): Uint8Array {
  return encodeRowImage(numbers.map((number) => ({ key: key(number), value: key(number) })));
}

const RANGE = { from: key(100), to: key(200) };

function staged({ timeline }: World, store: SimulatedStore, bytes: Uint8Array): ImageStaging {
  const staging = store.stageImage(bytes.length);
  const errors: (Error | undefined)[] = [];
  staging.append(bytes, (error) => errors.push(error));
  staging.finish(
    () => undefined,
    (error) => errors.push(error),
  );
  runUntil(timeline, timeline.nowMs + 1_000);
  expect(errors).toEqual([undefined, undefined]);
  return staging;
}

describe('images of a simulated disk', () => {
  const open = (earlyVisibility = 0, seed = 1): World & ReturnType<World['open']> => {
    const world = makeWorld({ seed, earlyVisibility });
    return { ...world, ...world.open(), open: world.open };
  };

  test('are adopted atomically, together with the rows beside them, also across a crash', () => {
    const kept = new Set<string>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = open(0.5, seed);
      const { store, life, timeline } = world;
      for (const number of [1, 55, 101, 102]) put(store, number);
      const staging = staged(world, store, imageOf(3, 102, 103));
      put(store, 104, () => expect.unreachable());
      const operations: WriteOperation[] = [
        { kind: 'delete', key: key(1) },
        { kind: 'put', key: key(2), value: key(2) },
      ];
      store.adopt({ staging, range: RANGE, dropped: { from: key(50), to: key(60) }, operations }, () =>
        expect.unreachable(),
      );
      put(store, 105, () => expect.unreachable());
      life.end();
      runUntil(timeline, timeline.nowMs + 1_000);
      kept.add(found(world).join());
    }
    expect([...kept].toSorted()).toEqual(['1,55,101,102', '1,55,101,102,104', '2,102,103', '2,102,103,105']);
  });

  test('contain durable rows only, also when later rows are visible', () => {
    const { store, timeline, disk } = open(1);
    put(store, 1);
    runUntil(timeline, 1_000);
    disk.stall(100);
    put(store, 2);
    const images: (StoreImage | undefined)[] = [];
    store.openImage((_, image) => images.push(image));
    runUntil(timeline, 2_000);
    expect([images[0]?.get(key(1)), images[0]?.get(key(2))]).toEqual([key(1), undefined]);
  });

  test('meet a full, failing or stalled disk while they are staged', () => {
    const { store, timeline, disk } = open();
    const errors: (string | undefined)[] = [];
    const note = (error: Error | undefined): number =>
      errors.push(error instanceof CodedError ? error.code : undefined);
    for (const fault of ['isFull', 'isBroken'] as const) {
      disk[fault] = true;
      const staging = store.stageImage(100);
      staging.append(key(1), note);
      runUntil(timeline, timeline.nowMs + 1_000);
      disk[fault] = false;
      // The next piece fails as well.
      staging.append(key(2), note);
      runUntil(timeline, timeline.nowMs + 1_000);
      staging.discard();
    }
    const startedAtMs = timeline.nowMs;
    disk.stall(500);
    store
      .stageImage(100)
      .append(key(1), () => errors.push(timeline.nowMs >= startedAtMs + 500 ? 'late' : 'early'));
    runUntil(timeline, timeline.nowMs + 2_000);
    expect(errors).toEqual(['disk_full', 'disk_full', 'storage_failed', 'storage_failed', 'late']);
  });
});

describe('a crash of a simulated disk', () => {
  test('keeps the completed writes and a prefix of the others', () => {
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

  test('ends the writes of its process; later calls have no effect', () => {
    const world = makeWorld();
    const { store, life } = world.open();
    life.end();
    put(store, 1, () => expect.unreachable());
    runUntil(world.timeline, 1_000);
    expect(found(world)).toEqual([]);
  });

  test('does not affect the writes of the next process', () => {
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

describe('faults of a simulated disk', () => {
  test('a full disk refuses writes without a change, and accepts them when there is room', () => {
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

  test('a stalled disk completes no write until the stall ends', () => {
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

  test('a failing disk fails one write', () => {
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

  test('a bit flip changes one bit of one value', () => {
    const world = makeWorld();
    const { store } = world.open();
    put(store, 1);
    runUntil(world.timeline, 1_000);
    world.disk.flipBit();
    const bits = ((store.get(key(1))?.[0] ?? 0) ^ 1).toString(2);
    expect(bits.match(/1/g)).toHaveLength(1);
  });
});
