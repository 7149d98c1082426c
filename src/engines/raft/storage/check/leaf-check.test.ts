import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import { seal } from '../../codec/sealed-record.ts';
import { LeafCheck, leafCheck } from './leaf-check.ts';

const PAGE_BYTES = 4_096;
const HEADER_BYTES = 24;
const RECORD_HEAD_BYTES = 8;
const check = leafCheck();
const page = Buffer.from(check.pages.buffer, check.pages.byteOffset + PAGE_BYTES, PAGE_BYTES);

interface Row {
  readonly key: Buffer;
  readonly value: Uint8Array;
}

function rowOf(key: string, bytes: number): Row {
  return { key: Buffer.from(key), value: seal(Buffer.from(key), new Uint8Array(bytes).fill(bytes)) };
}

/** Lays out a leaf as LMDB does: pointers in the order of keys, records from the end of the page on. */
function layOut(rows: readonly Row[]): void {
  page.fill(0);
  let end = PAGE_BYTES;
  for (const [at, { key, value }] of rows.entries()) {
    const bytes = RECORD_HEAD_BYTES + key.length + value.length;
    end -= bytes + (bytes % 2);
    page.writeUInt16LE(end - HEADER_BYTES, HEADER_BYTES + 2 * at);
    page.writeUInt32LE(value.length, end);
    page.writeUInt16LE(key.length, end + 6);
    page.set(key, end + RECORD_HEAD_BYTES);
    page.set(value, end + RECORD_HEAD_BYTES + key.length);
  }
  page.writeUInt16LE(2 * rows.length, 20);
  page.writeUInt16LE(end - HEADER_BYTES, 22);
}

const areSound = (): boolean => check.areSound(PAGE_BYTES, PAGE_BYTES);

const ROWS = [
  rowOf('a', 0),
  rowOf('ab', 1),
  rowOf('abc', 15),
  rowOf('abd', 16),
  rowOf('b', 17),
  rowOf('b\u{1f600}', 300),
  rowOf('ba', 1_000),
].sort((one, other) => Buffer.compare(one.key, other.key));

test('the module is compiled from its source', () => {
  const module = readFileSync(new URL('./leaf-check-module.ts', import.meta.url), 'utf8');
  const script = fileURLToPath(new URL('../../../../../scripts/wasm.mjs', import.meta.url));
  expect(execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' })).toBe(module);
});

test('without memory or WebAssembly no leaf is sound', () => {
  const without = new LeafCheck(() => {
    throw new RangeError('out of memory');
  });
  layOut(ROWS);
  without.pages.set(page);
  expect(without.areSound(0, PAGE_BYTES)).toBe(false);
});

test('records in order are sound, with values of any length', () => {
  layOut(ROWS);
  expect(areSound()).toBe(true);
  layOut([]);
  expect(areSound()).toBe(true);
  for (let bytes = 0; bytes < 100; bytes++) {
    layOut([rowOf('key', bytes), rowOf('key of another', 2 * bytes)]);
    expect(areSound()).toBe(true);
  }
});

test('with any flipped bit of a row a leaf is not sound', () => {
  layOut(ROWS);
  const whole = Buffer.from(page);
  for (const [at] of ROWS.entries()) {
    const record = HEADER_BYTES + whole.readUInt16LE(HEADER_BYTES + 2 * at);
    const row = RECORD_HEAD_BYTES + whole.readUInt16LE(record + 6) + whole.readUInt32LE(record);
    for (let bit = 0; bit < 8 * row; bit++) {
      page.set(whole);
      page[record + (bit >> 3)] = (page[record + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
      expect(areSound(), `bit ${bit} of row ${at}`).toBe(false);
    }
  }
});

test.each([
  ['keys out of order', [rowOf('b', 9), rowOf('a', 9)]],
  ['a key behind one that begins with it', [rowOf('ab', 9), rowOf('a', 9)]],
  ['a key twice', [rowOf('a', 9), rowOf('a', 9)]],
  ['a byte above 127 that counts as one below', [rowOf('\u{80}', 9), rowOf('a', 9)]],
  ['an empty key', [rowOf('', 9), rowOf('a', 9)]],
  ['a value without a seal', [{ key: Buffer.from('a'), value: new Uint8Array(3) }]],
  ['a seal that does not fit', [{ key: Buffer.from('a'), value: new Uint8Array(30) }]],
])('a leaf with %s is not sound', (_, rows) => {
  layOut(rows);
  expect(areSound()).toBe(false);
});

test('a leaf with a row on overflow pages is not sound', () => {
  layOut(ROWS);
  page.writeUInt16LE(1, HEADER_BYTES + page.readUInt16LE(HEADER_BYTES) + 4);
  expect(areSound()).toBe(false);
});

test('no bytes beyond the page are read, whatever is on it', () => {
  const random = new SeededGenerator(5);
  // The page after it is sound.
  const behind = Buffer.from(check.pages.buffer, check.pages.byteOffset + 2 * PAGE_BYTES, PAGE_BYTES);
  layOut(ROWS);
  behind.set(page);
  for (let sample = 0; sample < 20_000; sample++) {
    if (sample % 2 === 0) layOut(ROWS);
    else for (let at = 0; at < PAGE_BYTES; at += 4) page.writeUInt32LE(random.below(2 ** 32), at);
    const upper = random.below(PAGE_BYTES - HEADER_BYTES + 1);
    page.writeUInt16LE(upper, 22);
    page.writeUInt16LE(2 * random.below(Math.floor(upper / 2) + 1), 20);
    for (let pointer = 0; pointer < 3; pointer++) {
      const offset = random.chance(0.5) ? PAGE_BYTES - HEADER_BYTES - random.below(12) : random.below(65_536);
      page.writeUInt16LE(offset, HEADER_BYTES + 2 * pointer);
    }
    const hasRecords = page.readUInt16LE(20) > 0;
    if (areSound() && hasRecords) {
      const offset = page.readUInt16LE(HEADER_BYTES);
      expect(offset + RECORD_HEAD_BYTES).toBeLessThanOrEqual(PAGE_BYTES - HEADER_BYTES);
    }
  }
});
