import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { put, writeTo } from '../../../../../test/contracts/key-value-store.ts';
import {
  type SimulatedHarness,
  simulatedHarness,
} from '../../../../../test/contracts/key-value-store-simulated.ts';
import { MemoryState } from '../../../../state/memory-state.ts';
import type { Json, RangeOptions, StateReader } from '../../../../state/state-view.ts';
import { seal } from '../../codec/sealed-record.ts';
import { adjacentRow } from '../../codec/testing/rows.ts';
import { verifyRow } from '../log/durable-records.ts';
import type { KeyValueStore, WriteOperation } from '../ports/key-value-store.ts';
import { writesOf } from '../testing/store.ts';
import { ALL_STATE, stateKey } from './state-keys.ts';
import { StateStore, unusedGeneration } from './state-store.ts';

const encoder = new TextEncoder();

function rowsOf(reader: StateReader, options: RangeOptions = { prefix: '' }): [string, Json][] {
  return Array.from(reader.range(options), ([key, value]) => [key, value]);
}

function keysOf(reader: StateReader, options: RangeOptions): string[] {
  return rowsOf(reader, options).map(([key]) => key);
}

describe('StateStore', () => {
  let harness: SimulatedHarness;
  let store: KeyValueStore;
  let state: StateStore;
  beforeEach(() => {
    harness = simulatedHarness();
    store = harness.openNow();
    state = new StateStore(store, 1);
  });
  const write = async (operations: readonly WriteOperation[]): Promise<void> => {
    expect(await writeTo(store, harness, operations)).toBeUndefined();
  };
  const flush = async (): Promise<void> => {
    await write(writesOf(state));
    state.onWritesDurable();
  };

  test('a put row is seen at once, and is in the store after a flush', async () => {
    state.put('printer/1', { id: '1', model: 'MK4' });
    expect(state.get('printer/1')).toEqual({ id: '1', model: 'MK4' });
    expect(new StateStore(store, 1).get('printer/1')).toBeUndefined();
    await flush();
    expect(new StateStore(store, 1).get('printer/1')).toEqual({ id: '1', model: 'MK4' });
  });

  test('the active overlay hides the frozen one, and the frozen one hides the store', async () => {
    for (const key of ['a', 'b', 'c', 'd']) state.put(key, 'stored');
    await flush();
    state.put('b', 'frozen');
    state.put('c', 'frozen');
    state.delete('d');
    const operations = writesOf(state);
    state.put('c', 'active');
    state.put('e', 'active');
    const expected = [
      ['a', 'stored'],
      ['b', 'frozen'],
      ['c', 'active'],
      ['e', 'active'],
    ];
    expect(rowsOf(state)).toEqual(expected);
    // Reads may show the write before it is reported.
    await write(operations);
    expect(rowsOf(state)).toEqual(expected);
    state.onWritesDurable();
    expect(rowsOf(state)).toEqual(expected);
    expect([state.get('b'), state.get('c'), state.get('d')]).toEqual(['frozen', 'active', undefined]);
  });

  test('null and false are values, not absence', async () => {
    state.put('null', null);
    state.put('false', false);
    await flush();
    expect(rowsOf(new StateStore(store, 1))).toEqual([
      ['false', false],
      ['null', null],
    ]);
    state.put('false', 'frozen');
    const operations = writesOf(state);
    state.put('false', null);
    expect([state.get('false'), state.get('null')]).toEqual([null, null]);
    await write(operations);
    state.onWritesDurable();
    expect(state.get('false')).toBeNull();
  });

  test('a row that damage moved to another generation is damage there', async () => {
    state.put('printer/1', { id: '1' });
    await flush();
    for (const { key, value } of store.range(ALL_STATE)) {
      const moved = key.slice();
      // Within the four bytes of the generation: the row stays in its place among the others.
      moved[3] = 1;
      expect(() => verifyRow(adjacentRow(key, value))).not.toThrow();
      expect(() => verifyRow(adjacentRow(moved, value))).toThrow(
        expect.objectContaining({ code: 'record_damaged' }),
      );
    }
  });

  test('getOnce returns the same row as get, and does not cache it', async () => {
    state.put('a', 'ü');
    expect(state.getOnce('a')).toBe('ü');
    await flush();
    expect([state.getOnce('a'), state.getOnce('b')]).toEqual(['ü', undefined]);
    const key = stateKey(1, 'a');
    // Written without the state: only a row that is read anew shows it.
    await write([put(key, seal(key, encoder.encode('2')))]);
    expect([state.getOnce('a'), state.get('a')]).toEqual([2, 2]);
    state.delete('a');
    expect(state.getOnce('a')).toBeUndefined();
  });

  test('writes are not taken while others are under way', () => {
    writesOf(state);
    expect(() => writesOf(state)).toThrow(/still under way/);
  });

  test('overlayBytes grows with rows that are not durable, and is 0 when all are', async () => {
    expect(state.overlayBytes).toBe(0);
    state.put('a', 'x'.repeat(1_000));
    state.put('a', 'x'.repeat(500));
    expect(state.overlayBytes).toBeGreaterThan(500);
    expect(state.overlayBytes).toBeLessThan(1_000);
    const operations = writesOf(state);
    expect(state.overlayBytes).toBeGreaterThan(500);
    await write(operations);
    state.onWritesDurable();
    expect(state.overlayBytes).toBe(0);
  });

  test('rows may be put and deleted during a range', async () => {
    for (const key of ['a', 'c', 'e']) state.put(key, 0);
    await flush();
    const seen: string[] = [];
    for (const [key] of state.range({ prefix: '' })) {
      seen.push(key);
      state.delete(key);
      if (key === 'a') state.put('b', 1);
      if (key === 'c') state.delete('e');
      if (key === 'c') state.put('f', 1);
    }
    expect(seen).toEqual(['a', 'b', 'c', 'f']);
    expect(rowsOf(state)).toEqual([]);
  });

  test("a range keeps to its prefix, wherever 'after' lies", async () => {
    const keys = ['a', 'job', 'job/1', 'job/2', 'job/3', 'jobs', 'z'];
    for (const key of keys) state.put(key, 0);
    await flush();
    const overlaid = new StateStore(store, 1);
    for (const key of keys) overlaid.put(key, 1);
    for (const reader of [state, overlaid]) {
      const jobs = (options: Omit<RangeOptions, 'prefix'>) => keysOf(reader, { prefix: 'job/', ...options });
      expect(jobs({ after: 'a' })).toEqual(['job/1', 'job/2', 'job/3']);
      expect(jobs({ after: 'job/1' })).toEqual(['job/2', 'job/3']);
      expect(jobs({ after: 'job/11' })).toEqual(['job/2', 'job/3']);
      expect(jobs({ after: 'jobs' })).toEqual([]);
    }
  });

  test('a cached row is never stale: after writes, deletes, flushes and a new state', async () => {
    state.put('a', 1);
    await flush();
    expect(state.get('a')).toBe(1);
    state.put('a', 2);
    expect(state.get('a')).toBe(2);
    await flush();
    expect([state.get('a'), state.get('a')]).toEqual([2, 2]);
    state.delete('a');
    expect(state.get('a')).toBeUndefined();
    await flush();
    expect(state.get('a')).toBeUndefined();
    state.put('b', 1);
    await flush();
    expect(state.get('b')).toBe(1);
    state.onReplaced(2);
    expect(state.get('b')).toBeUndefined();
  });

  test('four thousand rows are cached, the latest, and none of them is long', async () => {
    const keys = Array.from({ length: 4_097 }, (_, row) => `row${row}`);
    for (const key of keys) state.put(key, 1);
    state.put('long', 'x'.repeat(1_100));
    await flush();
    for (const key of ['long', ...keys]) state.get(key);
    // Written without the state: only a row that is read anew shows it.
    const changed = ['long', 'row0', 'row1', 'row4096'];
    await write(
      changed.map((name) => {
        const key = stateKey(1, name);
        return put(key, seal(key, encoder.encode('2')));
      }),
    );
    expect(['row1', 'row4096', 'row0', 'long'].map((name) => state.get(name))).toEqual([1, 1, 2, 2]);
  });

  test('a row that does not match its checksum is never returned', async () => {
    state.put('a', { id: 'a' });
    await flush();
    const key = stateKey(1, 'a');
    const value = store.get(key) ?? key;
    value[3] = (value[3] ?? 0) ^ 1;
    await write([put(key, value)]);
    expect(() => state.get('a')).toThrow(expect.objectContaining({ code: 'record_damaged' }));
    expect(() => rowsOf(state)).toThrow(expect.objectContaining({ code: 'record_damaged' }));
    expect(() => verifyRow(adjacentRow(key, value))).toThrow(
      expect.objectContaining({ code: 'record_damaged' }),
    );
  });

  describe('and a model, over random steps', () => {
    // Few keys, so that they collide, and some that are prefixes of others. U+FFFD stands before U+10000 in
    // UTF-8 and after it in UTF-16.
    const key = fc
      .array(fc.constantFrom('a', 'b', '/', 'é', '\uFFFD', '\u{10000}', '\u{10FFFF}', '\u007f', '\u0000'), {
        maxLength: 3,
      })
      .map((characters) => characters.join(''));
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.nat(99) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('range' as const),
          prefix: key,
          after: fc.option(key, { nil: undefined }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(...(['take', 'durable'] as const)).map((kind) => ({ kind })),
      },
    );

    test('agree on every read', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => {
          const disk = simulatedHarness({ seed });
          const kept = disk.openNow();
          const real = new StateStore(kept, 3);
          const model = new MemoryState();
          let isUnderWay = false;
          for (const one of steps) {
            if (one.kind === 'put') {
              real.put(one.key, one.value);
              model.put(one.key, one.value);
            } else if (one.kind === 'delete') {
              real.delete(one.key);
              model.delete(one.key);
            } else if (one.kind === 'range') {
              const { prefix, after } = one;
              const options = after === undefined ? { prefix } : { prefix, after };
              expect(rowsOf(real, options)).toEqual(rowsOf(model, options));
              expect(real.get(prefix)).toEqual(model.get(prefix));
            } else if (one.kind === 'take' && !isUnderWay) {
              isUnderWay = true;
              kept.write(writesOf(real), () => undefined);
            } else if (one.kind === 'durable' && isUnderWay) {
              disk.run();
              isUnderWay = false;
              real.onWritesDurable();
            }
          }
          expect(rowsOf(real)).toEqual(rowsOf(model));
          disk.run();
          if (isUnderWay) real.onWritesDurable();
          kept.write(writesOf(real), () => undefined);
          disk.run();
          real.onWritesDurable();
          expect(rowsOf(new StateStore(kept, 3))).toEqual(rowsOf(model));
        }),
        { numRuns: 300 },
      );
    });
  });

  describe('with generations', () => {
    test('rows of another generation are not part of the state', async () => {
      state.put('a', 1);
      await flush();
      expect(rowsOf(new StateStore(store, 0))).toEqual([]);
      expect(rowsOf(new StateStore(store, 2))).toEqual([]);
    });

    test('after an image replaced all rows, the state is its generation and has no old row', async () => {
      state.put('old', 1);
      await flush();
      state.put('frozen', 1);
      writesOf(state);
      state.put('lost', 'with the old state');
      const key = stateKey(3, 'new');
      await write([{ kind: 'delete', key: stateKey(1, 'old') }, put(key, seal(key, encoder.encode('2')))]);
      state.onReplaced(3);
      expect(state.generation).toBe(3);
      expect(rowsOf(state)).toEqual([['new', 2]]);
      expect(['old', 'frozen', 'lost'].map((one) => state.get(one))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(state.overlayBytes).toBe(0);
      await flush();
      expect(rowsOf(state)).toEqual([['new', 2]]);
    });

    test('the version of a collection grows with each of its writes, and with a new state', () => {
      const versions = (): number[] => ['job/', 'printer/'].map((prefix) => state.version(prefix));
      state.put('printer/a', 1);
      state.put('job/a', 1);
      state.delete('job/a');
      expect(versions()).toEqual([2, 1]);
      state.onReplaced(1);
      expect(versions()).toEqual([3, 2]);
    });

    test('garbage is deleted in pieces, before and behind the generation in use, and searched again after an image', async () => {
      const current = new StateStore(store, 4);
      const rows = (generation: number): WriteOperation[] =>
        ['x', 'y', 'z'].map((key) => put(stateKey(generation, key), 'row'));
      await write([1, 4, 5, 9, 0xffffffff].flatMap(rows));
      await write(current.nextGarbage(4));
      const left = Array.from(
        store.range({ from: encoder.encode('s'), to: encoder.encode('t') }),
        ({ key }) => key[4],
      );
      expect(left).toEqual([4, 4, 4, 5, 5, 9, 9, 9, 255, 255, 255]);
      for (;;) {
        const operations = current.nextGarbage(2);
        expect(operations.length).toBeLessThanOrEqual(2);
        if (operations.length === 0) break;
        await write(operations);
      }
      expect(unusedGeneration(store)).toBe(5);
      await write([...rows(2), ...rows(4)]);
      expect(current.nextGarbage(100)).toEqual([]);
      current.onReplaced(4);
      expect(current.nextGarbage(100).map(({ key }) => key[4])).toEqual([2, 2, 2]);
    });
  });
});
