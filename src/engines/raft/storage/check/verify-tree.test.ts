import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import type { AdjacentRow } from '../../codec/sealed-record.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { DATA_FILE_NAME } from '../lmdb/data-file.ts';
import { DataFileReader } from '../lmdb/data-file-reader.ts';
import { compareBytes } from '../lmdb/key-order.ts';
import { type Meta, readMeta } from '../lmdb/lmdb-page.ts';
import { runAtOnce } from '../steps.ts';
import { openTree } from '../testing/tree.ts';
import { PageClaims } from './page-claims.ts';
import { verifyTree } from './verify-tree.ts';

const PAGE_BYTES = 4_096;
const ROWS = 4_000;
const directory = mkdtempSync(join(tmpdir(), 'raft3d-verify-tree-'));
const file = join(directory, DATA_FILE_NAME);
let meta: Meta;
let keys: string[];

/** Returns a key that is long enough for branch pages on two levels. */
function keyOf(number: number): string {
  return `${String(number).padStart(5, '0')}${'-'.repeat(150)}`;
}

beforeAll(async () => {
  const random = new SeededGenerator(21);
  const numbers = Array.from({ length: ROWS }, (_, number) => ({ number, place: random.below(2 ** 30) }))
    .sort((a, b) => a.place - b.place)
    .map(({ number }) => number);
  const store = openTree(directory);
  while (numbers.length > 0) {
    const operations = numbers.splice(0, 100).map((number): WriteOperation => {
      const value = Buffer.alloc(number % 100 === 0 ? 9_000 : 40, number);
      return { kind: 'put', key: Buffer.from(keyOf(number)), value };
    });
    await new Promise<void>((resolve, reject) => {
      store.writeAccepted(operations, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }
  await new Promise<void>((resolve) => store.close(resolve));
  const bytes = readFileSync(file);
  const metas = [readMeta(bytes, 0), readMeta(bytes.subarray(PAGE_BYTES), 1)];
  meta = metas.reduce((a, b) => (a.transaction > b.transaction ? a : b));
  keys = Array.from({ length: ROWS }, (_, number) => keyOf(number));
});
afterAll(() => rmSync(directory, { recursive: true }));

function textOf({ bytes, keyStart, valueStart }: AdjacentRow): string {
  return Buffer.from(bytes.subarray(keyStart, valueStart)).toString();
}

function verify(visit: (row: AdjacentRow) => void, maxSeparatorBytes?: number): void {
  const descriptor = openSync(file, 'r');
  try {
    runAtOnce(
      verifyTree(meta.rows, {
        reader: new DataFileReader(descriptor),
        claims: new PageClaims(meta.lastPage),
        meta,
        compare: compareBytes,
        visit,
        ...(maxSeparatorBytes !== undefined && { maxSeparatorBytes }),
      }),
    );
  } finally {
    closeSync(descriptor);
  }
}

describe('verifyTree', () => {
  test.each([
    ['all leaves at once', undefined],
    ['one leaf at a time', 1],
    ['a few leaves at a time', 2_000],
  ])('visits every row once: %s', (_, maxSeparatorBytes) => {
    expect(meta.rows.depth).toBeGreaterThanOrEqual(3);
    const seen: string[] = [];
    verify((row) => {
      const key = textOf(row);
      const number = Number(key.slice(0, 5));
      const value = row.bytes.subarray(row.valueStart, row.valueEnd);
      expect(value.length).toBe(number % 100 === 0 ? 9_000 : 40);
      expect([value[0], value[value.length - 1]]).toEqual([number % 256, number % 256]);
      seen.push(key);
    }, maxSeparatorBytes);
    expect(seen.sort()).toEqual(keys);
  });

  test('reads the leaves in the order of the file, which is not the order of keys', () => {
    const seen: string[] = [];
    verify((row) => {
      seen.push(textOf(row));
    });
    expect(seen).not.toEqual(keys);
  });

  test.each([undefined, 1, 2_000])(
    'throws the error of the first refused row in the order of keys (%s bytes of separators)',
    (maxSeparatorBytes) => {
      for (const first of [0, 17, 1_900, ROWS - 1]) {
        const refuse = (row: AdjacentRow): void => {
          const number = Number(textOf(row).slice(0, 5));
          if (number >= first) throw new RangeError(String(number));
        };
        expect(() => verify(refuse, maxSeparatorBytes)).toThrow(new RangeError(String(first)));
      }
    },
  );
});
