import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openSealed, seal } from '../codec/sealed-record.ts';
import { encodeUtf8 } from '../shared/utf8.ts';
import { farmKeyOf, MAX_FARM_KEY_BYTES, stateKey } from './keys.ts';
import type { KeyValueRow } from './ports.ts';
import { RowStager, takeRows } from './snapshot-rows.ts';
import { TestClock } from './test-clock.ts';
import { keysIn, rowOf, rowsOf } from './test-snapshot-rows.ts';
import { TestStore } from './test-store.ts';

const NO_KEY = new Uint8Array(0);

/** A picture of a store that holds these rows. */
function pictureOf(...rows: readonly KeyValueRow[]) {
  const clock = new TestClock();
  const store = new TestStore(clock);
  store.write(
    rows.map((row) => ({ kind: 'put', ...row })),
    () => undefined,
  );
  clock.advance(5);
  return store.snapshot();
}

/** Takes everything in chunks, and gives their keys. */
function chunksOf(picture: ReturnType<typeof pictureOf>, maxBytes: number): string[][] {
  const chunks: string[][] = [];
  let afterKey: Uint8Array = NO_KEY;
  for (;;) {
    const rows = takeRows(picture, { generation: 2, afterKey, maxBytes });
    if (rows.count === 0) return chunks;
    expect(rows.bytes.length <= maxBytes || rows.count === 1).toBe(true);
    chunks.push(keysIn(rows));
    afterKey = rows.lastKey;
  }
}

test('chunks have each row of the generation once and in order, whatever fits', () => {
  const keys = Array.from({ length: 40 }, (_, row) => `key${String(row).padStart(2, '0')}`);
  const rows = keys.map((key, row) => rowOf(2, key, 'x'.repeat((row * 7) % 60)));
  const picture = pictureOf(rowOf(1, 'old', 1), ...rows, rowOf(3, 'new', 1));
  for (const maxBytes of [1, 30, 64, 100, 500, 10_000]) {
    expect(chunksOf(picture, maxBytes).flat()).toEqual(keys);
  }
  expect(chunksOf(picture, 1)).toHaveLength(40);
  expect(chunksOf(picture, 10_000)).toHaveLength(1);
});

test('a staged row is what its node would have sealed itself, whatever its length', () => {
  const lengths = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 3_900, max: 9_000 }));
  const generations = fc.nat({ max: 0xffff_ffff });
  fc.assert(
    fc.property(generations, generations, fc.string({ minLength: 1 }), lengths, (from, to, key, length) => {
      const payload = new Uint8Array(length).map((_, at) => at * 31 + length);
      const farmKey = encodeUtf8(key);
      const storeKey = stateKey(from, farmKey);
      const rows = rowsOf({ key: storeKey, value: seal(storeKey, payload) });
      const { operations, lastKey } = new RowStager({ from, to }).stage(rows, NO_KEY);
      const staged = stateKey(to, farmKey);
      expect(operations).toEqual([{ kind: 'put', key: staged, value: seal(staged, payload) }]);
      expect(lastKey).toEqual(farmKey);
    }),
  );
});

test('every changed bit of a row is noticed (trap 30)', () => {
  const { count, bytes } = rowsOf(rowOf(7, 'printer/1', { id: '1' }), rowOf(7, 'printer/2', { id: '2' }));
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      const stager = new RowStager({ from: 7, to: 9 });
      expect(() => stager.stage({ count, bytes: changed }, NO_KEY)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(malformed|snapshot_damaged)$/) }),
      );
    }
  }
});

test('a row that was damaged where it lies is sent as it is, and not taken (trap 30)', () => {
  const damaged = rowOf(2, 'b', 'value');
  damaged.value[2] = (damaged.value[2] ?? 0) ^ 4;
  const rows = takeRows(pictureOf(rowOf(2, 'a', 1), damaged), {
    generation: 2,
    afterKey: NO_KEY,
    maxBytes: 1_000,
  });
  expect(() => openSealed(damaged.key, damaged.value)).toThrow();
  expect(() => new RowStager({ from: 2, to: 3 }).stage(rows, NO_KEY)).toThrow(
    expect.objectContaining({ code: 'snapshot_damaged' }),
  );
});

test('the bytes that came stay as they were', () => {
  const rows = rowsOf(rowOf(2, 'a', 1));
  const before = rows.bytes.slice();
  new RowStager({ from: 2, to: 3 }).stage(rows, NO_KEY);
  expect(rows.bytes).toEqual(before);
});

test.each([
  ['fewer rows than were announced', 3, [rowOf(2, 'a', 1), rowOf(2, 'b', 1)], NO_KEY],
  ['more rows than were announced', 1, [rowOf(2, 'a', 1), rowOf(2, 'b', 1)], NO_KEY],
  ['rows of another generation', 1, [rowOf(4, 'a', 1)], NO_KEY],
  ['a row twice', 2, [rowOf(2, 'a', 1), rowOf(2, 'a', 1)], NO_KEY],
  ['rows out of order', 2, [rowOf(2, 'ab', 1), rowOf(2, 'a', 1)], NO_KEY],
  ['a row that came before', 1, [rowOf(2, 'a', 1)], encodeUtf8('a')],
  ['a row without a key', 1, [rowOf(2, '', 1)], NO_KEY],
  ['a key that no store takes', 1, [rowOf(2, 'k'.repeat(MAX_FARM_KEY_BYTES + 1), 1)], NO_KEY],
  [
    'a value without a seal',
    1,
    [{ key: stateKey(2, encodeUtf8('abcdefgh')), value: new Uint8Array(3) }],
    NO_KEY,
  ],
])('%s are malformed', (_, count, rows, afterKey) => {
  const { bytes } = rowsOf(...rows);
  expect(() => new RowStager({ from: 2, to: 3 }).stage({ count, bytes }, afterKey)).toThrow(
    expect.objectContaining({ code: 'malformed' }),
  );
});

test('the longest key is taken', () => {
  const row = rowOf(2, 'k'.repeat(MAX_FARM_KEY_BYTES), 1);
  const { lastKey } = new RowStager({ from: 2, to: 3 }).stage(rowsOf(row), NO_KEY);
  expect(lastKey).toEqual(farmKeyOf(row.key));
});
