import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { waitFor } from '../../../../../verify/kit/wait-for.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { openTree } from '../testing/tree.ts';
import type { LmdbSnapshot, LmdbStore } from './lmdb-store.ts';
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

/** Reads all rows, which maps the whole file. */
function countOf(tree: LmdbStore): number {
  let count = 0;
  for (const { value } of tree.range(ALL)) if (value.length === 4_096) count += 1;
  return count;
}

/** Does the same with lookups. */
function countIn(snapshot: LmdbSnapshot): number {
  let count = 0;
  for (let at = 0; at < ROWS; at++) {
    if (snapshot.get(Buffer.from(`${100_000 + at}`))?.length === 4_096) count += 1;
  }
  return count;
}

function untilReleased(mapped: MappedMemory, meanwhile: () => void = () => undefined): Promise<boolean> {
  const isReleased = (): boolean => {
    meanwhile();
    return mapped.bytes <= 40 * MEGABYTE;
  };
  return waitFor('the memory of the map is released', isReleased, { intervalMs: 5 });
}

test('the memory of the map is released between reads and writes, but not while a snapshot is open', async () => {
  const mapped = new MappedMemory();
  const tree = openTree(join(root, 'tree'));
  for (let from = 0; from < ROWS; from += 1_000) {
    await new Promise<void>((resolve) => tree.writeAccepted(rows(from, from + 1_000), () => resolve()));
  }
  for (let round = 0; round < 3; round++) {
    expect(countOf(tree)).toBe(ROWS);
    expect(mapped.bytes).toBeGreaterThan(60 * MEGABYTE);
    // Reads and a write go on while the file is mapped anew.
    const written = new Promise((resolve) => tree.writeAccepted(rows(0, 10), resolve));
    const lengths = new Set<number>();
    await untilReleased(mapped, () => {
      const value = tree.get(Buffer.from('100007'));
      lengths.add(value === undefined ? 0 : value.length);
    });
    expect([...lengths]).toEqual([4_096]);
    expect(await written).toBeUndefined();
  }
  const snapshot = tree.snapshot();
  expect(countIn(snapshot)).toBe(ROWS);
  await new Promise<void>((resolve) =>
    tree.writeAccepted([{ kind: 'delete', key: Buffer.from('100000') }], () => resolve()),
  );
  expect(countIn(snapshot)).toBe(ROWS);
  expect(mapped.bytes).toBeGreaterThan(60 * MEGABYTE);
  snapshot.close();
  await untilReleased(mapped);
  expect(tree.get(Buffer.from('100000'))).toBeUndefined();
  expect(countOf(tree)).toBe(ROWS - 1);
  await new Promise<void>((resolve) => tree.close(resolve));
});

test('many lookups release the memory at the end of their turn', async () => {
  // The timer does not check in between.
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const tree = openTree(join(root, 'looked-up'));
  vi.useRealTimers();
  const mapped = new MappedMemory();
  for (let from = 0; from < ROWS; from += 1_000) {
    await new Promise<void>((resolve) => tree.writeAccepted(rows(from, from + 1_000), () => resolve()));
  }
  expect(countOf(tree)).toBe(ROWS);
  for (let at = 0; at < 256; at++) tree.get(Buffer.from(`${100_000 + at}`));
  expect(mapped.bytes).toBeGreaterThan(60 * MEGABYTE);
  for (let turns = 0; turns < 3; turns++) await nextTurn();
  expect(mapped.bytes).toBeLessThan(40 * MEGABYTE);
  await new Promise<void>((resolve) => tree.close(resolve));
});
