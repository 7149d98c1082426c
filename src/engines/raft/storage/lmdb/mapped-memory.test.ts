import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import type { KeyValueReader, WriteOperation } from '../../node/ports/key-value-store.ts';
import { openTree } from '../testing/tree.ts';
import { MappedMemory } from './mapped-memory.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-mapped-'));
afterAll(() => rmSync(root, { recursive: true }));

const MEGABYTE = 1024 * 1024;
const ROWS = 16_000;
const ALL = { from: Uint8Array.of(0), to: Uint8Array.of(0xff) };

function rows(from: number, to: number): WriteOperation[] {
  return Array.from({ length: to - from }, (_, at) => {
    return { kind: 'put', key: Buffer.from(`${100_000 + from + at}`), value: Buffer.alloc(4_096, from + at) };
  });
}

/** Reads all rows, which maps all of the file. */
function countOf(reader: KeyValueReader): number {
  let count = 0;
  for (const { value } of reader.range(ALL)) if (value.length === 4_096) count += 1;
  return count;
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

test('what the map of the data file takes is given back, between reads and writes, and not under a snapshot', async () => {
  const mapped = new MappedMemory();
  const tree = openTree(join(root, 'tree'));
  for (let from = 0; from < ROWS; from += 1_000) {
    await new Promise<void>((resolve) => tree.write(rows(from, from + 1_000), () => resolve()));
  }
  for (let round = 0; round < 3; round++) {
    expect(countOf(tree)).toBe(ROWS);
    expect(mapped.bytes).toBeGreaterThan(60 * MEGABYTE);
    // At any moment somebody reads, also in the turn in which the file is mapped anew, or writes.
    const written = new Promise((resolve) => tree.write(rows(0, 10), resolve));
    while (mapped.bytes > 40 * MEGABYTE) {
      expect(tree.get(Buffer.from('100007'))?.length).toBe(4_096);
      await turn();
    }
    expect(await written).toBeUndefined();
  }
  const snapshot = tree.snapshot();
  expect(countOf(snapshot)).toBe(ROWS);
  await new Promise<void>((resolve) =>
    tree.write([{ kind: 'delete', key: Buffer.from('100000') }], () => resolve()),
  );
  expect(countOf(snapshot)).toBe(ROWS);
  expect(mapped.bytes).toBeGreaterThan(60 * MEGABYTE);
  snapshot.close();
  while (mapped.bytes > 40 * MEGABYTE) await turn();
  expect(tree.get(Buffer.from('100000'))).toBeUndefined();
  expect(countOf(tree)).toBe(ROWS - 1);
  await new Promise<void>((resolve) => tree.close(resolve));
});

test('many rows that are looked up have it given back at the end of the turn', async () => {
  // Nobody looks in between.
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const tree = openTree(join(root, 'looked-up'));
  vi.useRealTimers();
  const mapped = new MappedMemory();
  for (let from = 0; from < ROWS; from += 1_000) {
    await new Promise<void>((resolve) => tree.write(rows(from, from + 1_000), () => resolve()));
  }
  expect(countOf(tree)).toBe(ROWS);
  for (let at = 0; at < 256; at++) tree.get(Buffer.from(`${100_000 + at}`));
  expect(mapped.bytes).toBeGreaterThan(60 * MEGABYTE);
  for (let turns = 0; turns < 3; turns++) await nextTurn();
  expect(mapped.bytes).toBeLessThan(40 * MEGABYTE);
  await new Promise<void>((resolve) => tree.close(resolve));
});
