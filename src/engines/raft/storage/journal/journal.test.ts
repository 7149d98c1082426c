import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import type { KeyValueStore, WriteOperation } from '../../node/ports/key-value-store.ts';
import { DATA_FILE_NAME } from '../lmdb/data-file.ts';
import { openLmdbStore } from '../open-store.ts';
import type { JournalLimits } from './checkpoints.ts';
import { aligned, decodeFrame } from './journal-frame.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-journal-'));
afterAll(() => rmSync(root, { recursive: true }));

const everything = { from: Uint8Array.of(0), to: Uint8Array.of(0xff) };
const SECTOR_BYTES = 512;

function write(store: KeyValueStore, operations: readonly WriteOperation[]): Promise<void> {
  return new Promise((resolve, reject) => {
    store.write(operations, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

function close(store: KeyValueStore): Promise<void> {
  return new Promise((resolve) => store.close(resolve));
}

function keysOf(store: KeyValueStore): string[] {
  return Array.from(store.range(everything), ({ key }) => Buffer.from(key).toString());
}

async function keysIn(directory: string, limits?: JournalLimits): Promise<string[]> {
  const store = await openLmdbStore(directory, undefined, limits);
  try {
    return keysOf(store);
  } finally {
    await close(store);
  }
}

function row(number: number): WriteOperation {
  const value = Buffer.alloc(700 + ((number * 37) % 3_000), 0x40 + (number % 60));
  return { kind: 'put', key: Buffer.from(`row ${String(number).padStart(4, '0')}`), value };
}

interface PlacedFrame {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
}

function framesOf(directory: string): PlacedFrame[] {
  const frames: PlacedFrame[] = [];
  for (const name of readdirSync(directory)
    .filter((file) => file.startsWith('journal-'))
    .sort()) {
    const path = join(directory, name);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; ) {
      const frame = decodeFrame(bytes, at);
      if (frame === undefined) break;
      frames.push({ path, at, bytes: frame.bytes });
      at += aligned(frame.bytes);
    }
  }
  return frames;
}

describe('a journal after a crash', () => {
  /** No checkpoint begins: all rows are in segments. */
  const limits = { segmentBytes: 32 * 1024, checkpointBytes: 2 ** 30 };
  const origin = join(root, 'origin');
  const directory = join(root, 'damaged');
  let keys: string[];
  let frames: PlacedFrame[];

  beforeAll(async () => {
    const store = await openLmdbStore(join(root, 'running'), undefined, limits);
    for (let number = 0; number < 12; number++) await write(store, [row(2 * number), row(2 * number + 1)]);
    keys = keysOf(store);
    // The files as kill -9 would leave them.
    cpSync(join(root, 'running'), origin, { recursive: true });
    await close(store);
    frames = framesOf(origin);
  });

  function restore(): PlacedFrame[] {
    rmSync(directory, { recursive: true, force: true });
    cpSync(origin, directory, { recursive: true });
    return frames.map((frame) => ({ ...frame, path: frame.path.replace(origin, directory) }));
  }

  function change(path: string, edit: (bytes: Buffer) => void): void {
    const bytes = readFileSync(path);
    edit(bytes);
    writeFileSync(path, bytes);
  }

  /** Returns the keys, or undefined when the store is refused as damaged. */
  async function keysLeft(): Promise<string[] | undefined> {
    try {
      return await keysIn(directory, limits);
    } catch (error) {
      expect(error).toMatchObject({ code: 'store_damaged', message: expect.stringContaining(directory) });
      return undefined;
    }
  }

  test('has every row, in more than one segment', async () => {
    expect(keys).toHaveLength(24);
    expect(new Set(frames.map(({ path }) => path)).size).toBeGreaterThan(1);
    restore();
    expect(await keysLeft()).toEqual(keys);
    expect(await keysIn(directory)).toEqual(keys);
  });

  test('with a flipped bit is refused, or has every row', async () => {
    const random = new SeededGenerator(5);
    let refused = 0;
    for (let sample = 0; sample < 120; sample++) {
      const placed = restore();
      const frame = placed[random.below(placed.length)] as PlacedFrame;
      const at = frame.at + (sample % 3 === 0 ? random.below(40) : random.below(aligned(frame.bytes)));
      change(frame.path, (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      });
      const left = await keysLeft();
      if (left === undefined) refused += 1;
      else expect(left, `byte ${at} of ${frame.path}`).toEqual(keys);
    }
    expect(refused).toBeGreaterThan(40);
  });

  test('with a flipped bit in the header of its last frame is refused', async () => {
    const { path, at } = frames.at(-1) as PlacedFrame;
    for (let bit = 0; bit < 44 * 8; bit++) {
      restore();
      change(path.replace(origin, directory), (bytes) => {
        const byte = at + (bit >> 3);
        bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (bit & 7));
      });
      expect(await keysLeft(), `bit ${bit}`).toBeUndefined();
    }
  });

  test('with a flipped bit in a last frame that contains sectors of zeros is refused', async () => {
    restore();
    const store = await openLmdbStore(directory, undefined, limits);
    await write(store, [{ kind: 'put', key: Buffer.from('zeros'), value: Buffer.alloc(3_000) }]);
    const copy = join(root, 'zeros');
    cpSync(directory, copy, { recursive: true });
    await close(store);
    const { path, at } = framesOf(copy).at(-1) as PlacedFrame;
    change(path, (bytes) => {
      bytes[at + 1_500] = 1;
    });
    await expect(keysIn(copy, limits)).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test('without its data file is refused: the node would forget its vote', async () => {
    restore();
    rmSync(join(directory, DATA_FILE_NAME));
    expect(await keysLeft()).toBeUndefined();
  });

  test('loses a frame with an unwritten sector if it is the last one, and is refused otherwise', async () => {
    const last = frames.length - 1;
    for (const [position, { bytes }] of frames.entries()) {
      for (const sector of [0, 1, Math.floor(bytes / SECTOR_BYTES)]) {
        const { path, at } = restore()[position] as PlacedFrame;
        change(path, (content) =>
          content.fill(0, at + sector * SECTOR_BYTES, at + (sector + 1) * SECTOR_BYTES),
        );
        expect(await keysLeft()).toEqual(position === last ? keys.slice(0, -2) : undefined);
      }
    }
  });

  test('continues after a torn last frame, and that frame does not come back', async () => {
    const { path, at, bytes } = restore().at(-1) as PlacedFrame;
    change(path, (content) => content.fill(0, at + SECTOR_BYTES, at + bytes));
    for (let start = 0; start < 3; start++) {
      const store = await openLmdbStore(directory, undefined, limits);
      await write(store, [row(100 + start)]);
      rmSync(join(root, 'again'), { recursive: true, force: true });
      cpSync(directory, join(root, 'again'), { recursive: true });
      await close(store);
      rmSync(directory, { recursive: true });
      cpSync(join(root, 'again'), directory, { recursive: true });
    }
    expect(await keysLeft()).toEqual([...keys.slice(0, -2), 'row 0100', 'row 0101', 'row 0102']);
  });

  test('with a missing, empty or truncated segment is refused', async () => {
    const paths = [...new Set(frames.map(({ path }) => path.replace(origin, directory)))];
    const last = frames.at(-1) as PlacedFrame;
    for (const path of paths.slice(0, -1)) {
      restore();
      rmSync(path);
      expect(await keysLeft()).toBeUndefined();
    }
    for (const length of [0, 100, last.at, last.at + 4_096]) {
      restore();
      truncateSync(last.path.replace(origin, directory), length);
      expect(await keysLeft()).toBeUndefined();
    }
  });

  test('without the last frame of the checkpoint in LMDB is refused', async () => {
    const store = await openLmdbStore(join(root, 'checkpoint'), undefined, limits);
    await write(store, [row(1)]);
    await close(store);
    const [frame] = framesOf(join(root, 'checkpoint'));
    change((frame as PlacedFrame).path, (bytes) => bytes.fill(0));
    await expect(keysIn(join(root, 'checkpoint'))).rejects.toMatchObject({ code: 'store_damaged' });
  });
});

test('a frame that is longer than a segment gets a segment of its length', async () => {
  const limits = { segmentBytes: 64 * 1024, checkpointBytes: 2 ** 30 };
  const store = await openLmdbStore(join(root, 'long'), undefined, limits);
  const value = Buffer.alloc(1_000_000, 0x41);
  for (const key of ['a', 'b', 'c']) await write(store, [{ kind: 'put', key: Buffer.from(key), value }]);
  cpSync(join(root, 'long'), join(root, 'long-crashed'), { recursive: true });
  await close(store);
  expect(await keysIn(join(root, 'long-crashed'))).toEqual(['a', 'b', 'c']);
});

test('segments are reused, and their number stays small', async () => {
  const directory = join(root, 'many');
  const limits = { segmentBytes: 32 * 1024, checkpointBytes: 16 * 1024 };
  const store = await openLmdbStore(directory, undefined, limits);
  for (let number = 0; number < 300; number++) await write(store, [row(number)]);
  expect(readdirSync(directory).filter((name) => name.startsWith('journal')).length).toBeLessThan(12);
  await close(store);
  expect(await keysIn(directory)).toHaveLength(300);
});
