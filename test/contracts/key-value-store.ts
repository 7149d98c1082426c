// The contract of every KeyValueStore, as tests for the production store and for the simulated one.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type KeyRange,
  type KeyValueReader,
  type KeyValueStore,
  MAX_KEY_BYTES,
  type WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { present } from '../../src/shared/assert.ts';

/** A place where data is kept, and stores that are opened on it one after the other. */
export interface KeyValueStoreHarness {
  open(): Promise<KeyValueStore>;
  /** Advances simulated time until all calls under way have ended. Does nothing where time is real. */
  run(): void;
  dispose(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function put(key: string | Uint8Array, value: string | Uint8Array): WriteOperation {
  return { kind: 'put', key: toBytes(key), value: toBytes(value) };
}

export function remove(key: string | Uint8Array): WriteOperation {
  return { kind: 'delete', key: toBytes(key) };
}

/** Writes and resolves with the error of `done`. */
export function writeTo(
  store: KeyValueStore,
  harness: KeyValueStoreHarness,
  operations: readonly WriteOperation[],
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    store.write(operations, resolve);
    harness.run();
  });
}

export function closeStore(store: KeyValueStore, harness: KeyValueStoreHarness): Promise<void> {
  return new Promise((resolve) => {
    store.close(resolve);
    harness.run();
  });
}

export function textAt(reader: KeyValueReader, key: string): string | undefined {
  const value = reader.get(encoder.encode(key));
  return value === undefined ? undefined : decoder.decode(value);
}

export function keysIn(
  reader: KeyValueReader,
  range: { from: string; to: string; reverse?: boolean },
): string[] {
  const bytes: KeyRange = { ...range, from: encoder.encode(range.from), to: encoder.encode(range.to) };
  return Array.from(reader.range(bytes), ({ key }) => decoder.decode(key));
}

function toBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? encoder.encode(text) : text;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

export function keyValueStoreContract(name: string, makeHarness: () => KeyValueStoreHarness): void {
  describe(`${name} keeps the contract of KeyValueStore`, () => {
    let harness: KeyValueStoreHarness;
    let store: KeyValueStore;
    const write = (operations: readonly WriteOperation[]): Promise<Error | undefined> =>
      writeTo(store, harness, operations);

    beforeEach(async () => {
      harness = makeHarness();
      store = await harness.open();
    });
    afterEach(async () => {
      await closeStore(store, harness);
      await harness.dispose();
    });

    test('written rows are read back, and others are undefined', async () => {
      expect(await write([put('a', 'one'), put('b', '')])).toBeUndefined();
      expect(textAt(store, 'a')).toBe('one');
      expect(textAt(store, 'b')).toBe('');
      expect(textAt(store, 'c')).toBeUndefined();
    });

    test('the operations of a write take effect in their order', async () => {
      await write([put('a', '1'), remove('a'), put('b', '1'), put('b', '2'), remove('c'), put('c', '3')]);
      expect(textAt(store, 'a')).toBeUndefined();
      expect(textAt(store, 'b')).toBe('2');
      expect(textAt(store, 'c')).toBe('3');
    });

    test('deleting a missing row is no error', async () => {
      expect(await write([remove('nothing'), put('a', '1')])).toBeUndefined();
      expect(textAt(store, 'a')).toBe('1');
    });

    test('a write without operations is done as well', async () => {
      expect(await write([])).toBeUndefined();
    });

    test('done is called once for each write, in order, and never inside the call', async () => {
      const order: string[] = [];
      const last = new Promise<void>((resolve) => {
        for (const number of [1, 2, 3]) {
          store.write(number === 2 ? [] : [put('key', `${number}`)], () => {
            order.push(`done ${number}`);
            if (number === 3) resolve();
          });
          order.push(`called ${number}`);
        }
      });
      harness.run();
      await last;
      expect(order).toEqual(['called 1', 'called 2', 'called 3', 'done 1', 'done 2', 'done 3']);
      expect(textAt(store, 'key')).toBe('3');
    });

    test('a write may begin inside the callback of another', async () => {
      const ended = new Promise<Error | undefined>((resolve) => {
        store.write([put('a', '1')], () => {
          expect(textAt(store, 'a')).toBe('1');
          store.write([put('b', '2')], resolve);
        });
      });
      harness.run();
      expect(await ended).toBeUndefined();
      expect(textAt(store, 'b')).toBe('2');
    });

    test('done writes are there after closing and opening', async () => {
      await write([put('a', '1'), put('b', '2')]);
      await write([remove('b')]);
      await closeStore(store, harness);
      store = await harness.open();
      expect(textAt(store, 'a')).toBe('1');
      expect(textAt(store, 'b')).toBeUndefined();
    });

    test('closing finishes the writes under way', async () => {
      const errors: (Error | undefined)[] = [];
      for (const key of ['a', 'b', 'c']) store.write([put(key, key)], (error) => errors.push(error));
      await closeStore(store, harness);
      expect(errors).toEqual([undefined, undefined, undefined]);
      store = await harness.open();
      expect(keysIn(store, { from: 'a', to: 'z' })).toEqual(['a', 'b', 'c']);
    });

    test('closing inside the callback of a write finishes the writes after it', async () => {
      const errors: (Error | undefined)[] = [];
      const closed = new Promise<void>((resolve) => {
        store.write([put('a', '1')], () => store.close(resolve));
      });
      store.write([put('b', '2')], (error) => errors.push(error));
      store.write([put('c', '3')], (error) => errors.push(error));
      harness.run();
      await closed;
      expect(errors).toEqual([undefined, undefined]);
      store = await harness.open();
      expect(keysIn(store, { from: 'a', to: 'z' })).toEqual(['a', 'b', 'c']);
    });

    test('thousands of operations are one write', async () => {
      const many = Array.from({ length: 20_000 }, (_, index) =>
        put(`k${String(index).padStart(6, '0')}`, `${index}`),
      );
      expect(await write(many)).toBeUndefined();
      expect(keysIn(store, { from: 'k', to: 'l' })).toHaveLength(20_000);
      expect(textAt(store, 'k012345')).toBe('12345');
    });

    test('values may be large and may change their size', async () => {
      const large = new Uint8Array(3_000_000).map((_, at) => at % 251);
      await write([put('a', large)]);
      expect(isSame(store.get(toBytes('a')), large)).toBe(true);
      await write([put('a', 'small')]);
      expect(textAt(store, 'a')).toBe('small');
    });

    test('a range includes its start and excludes its end, forwards and backwards', async () => {
      await write(['a', 'b', 'c', 'd'].map((key) => put(key, key)));
      expect(keysIn(store, { from: 'b', to: 'd' })).toEqual(['b', 'c']);
      expect(keysIn(store, { from: 'b', to: 'd', reverse: true })).toEqual(['c', 'b']);
      expect(keysIn(store, { from: 'aa', to: 'cc' })).toEqual(['b', 'c']);
      expect(keysIn(store, { from: 'aa', to: 'cc', reverse: true })).toEqual(['c', 'b']);
    });

    test('a range that ends at or before its start is empty', async () => {
      await write(['a', 'b', 'c'].map((key) => put(key, key)));
      for (const reverse of [false, true]) {
        expect(keysIn(store, { from: 'b', to: 'b', reverse })).toEqual([]);
        expect(keysIn(store, { from: 'c', to: 'a', reverse })).toEqual([]);
        expect(keysIn(store, { from: 'x', to: 'z', reverse })).toEqual([]);
      }
    });

    test('a range may be abandoned, and another one read inside it', async () => {
      await write(['a', 'b', 'c'].map((key) => put(key, key)));
      const pairs: string[] = [];
      for (const { key } of store.range({ from: toBytes('a'), to: toBytes('z') })) {
        pairs.push(decoder.decode(key) + keysIn(store, { from: 'b', to: 'z', reverse: true }).join(''));
        if (pairs.length === 2) break;
      }
      expect(pairs).toEqual(['acb', 'bcb']);
    });

    test('a range that ended stays at its end, and its iterator may be returned more than once', async () => {
      await write(['a', 'b'].map((key) => put(key, key)));
      const all = { from: toBytes('a'), to: toBytes('z') };
      const ended = store.range(all)[Symbol.iterator]();
      const other = store.range(all)[Symbol.iterator]();
      const giveUp = (rows: Iterator<unknown>): void => {
        const close = present(rows.return, 'an iterator of a range can be given up').bind(rows);
        close();
      };
      while (ended.next().done === false);
      for (let times = 0; times < 2; times++) {
        expect(ended.next()).toEqual({ done: true, value: undefined });
        giveUp(ended);
      }
      expect(other.next().value).toEqual({ key: toBytes('a'), value: toBytes('a') });
      for (let times = 0; times < 2; times++) giveUp(other);
      expect(other.next().done).toBe(true);
      expect(keysIn(store, { from: 'a', to: 'z' })).toEqual(['a', 'b']);
    });

    test('keys are ordered by their bytes, a prefix before longer keys', async () => {
      const keys = [[0], [0, 0], [0, 1], [1], [1, 0xff], [0x7f], [0x80], [0xff], [0xff, 0], [0xff, 0xff]];
      const shuffled = [3, 7, 0, 9, 5, 1, 8, 2, 6, 4].map((position) => keys[position] ?? []);
      await write(shuffled.map((key) => put(Uint8Array.from(key), 'x')));
      const range = { from: Uint8Array.of(0), to: Uint8Array.of(0xff, 0xff, 0) };
      expect(Array.from(store.range(range), ({ key }) => [...key])).toEqual(keys);
      const backwards = Array.from(store.range({ ...range, reverse: true }), ({ key }) => [...key]);
      expect(backwards).toEqual(keys.toReversed());
    });

    test('keys have 1 to MAX_KEY_BYTES bytes, and other keys are refused as our own bug', async () => {
      const longest = new Uint8Array(MAX_KEY_BYTES).fill(0xab);
      expect(await write([put(longest, 'x'), put(Uint8Array.of(0), 'y')])).toBeUndefined();
      expect(isSame(store.get(longest), toBytes('x'))).toBe(true);
      const fail = (): void => expect.fail('a write that is a bug is not reported as done');
      expect(() => store.write([put('a', '1'), put(new Uint8Array(0), '')], fail)).toThrow();
      expect(() => store.write([put('a', '1'), put(new Uint8Array(MAX_KEY_BYTES + 1), '')], fail)).toThrow();
      await write([]);
      expect(textAt(store, 'a')).toBeUndefined();
    });

    test('the bytes that are read belong to the reader', async () => {
      await write([put('a', 'one')]);
      present(store.get(toBytes('a')), 'the row was written').fill(0);
      for (const { value } of store.range({ from: toBytes('a'), to: toBytes('b') })) value.fill(0);
      const first = store.get(toBytes('a'));
      await write([put('a', 'two')]);
      expect(isSame(first, toBytes('one'))).toBe(true);
      expect(textAt(store, 'a')).toBe('two');
    });

    test('space returns the free, the reserved and the used bytes', () => {
      const { freeBytes, reserveBytes, usedBytes } = store.space();
      expect(freeBytes).toBeGreaterThan(reserveBytes);
      expect(reserveBytes).toBeGreaterThan(0);
      expect(usedBytes).toBeGreaterThan(0);
    });
  });
}
