// The files of the journal, `journal-<number>`: made of zeros, durable with their names, before anything is written to
// them, so that a flush of a frame has nothing to do but the frame. One is kept ready beside the one in use.

import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { aligned } from './journal-frame.ts';
import type { SegmentFile } from './journal-recovery.ts';

const NAME = /^journal-(\d{10})$/;
/** A segment until it is whole: what is found under this name was never used. */
const NEW_NAME = 'journal.new';
const PIECE = Buffer.alloc(256 * 1024);

/** Those in `directory`, in the order of their numbers; leftovers of one that was being made are removed. */
export async function findSegments(directory: string): Promise<SegmentFile[]> {
  const names = await readdir(directory);
  if (names.includes(NEW_NAME)) await unlink(join(directory, NEW_NAME));
  return names
    .flatMap((name) => {
      const number = NAME.exec(name)?.[1];
      return number === undefined ? [] : [{ number: Number(number), path: join(directory, name) }];
    })
    .sort((a, b) => a.number - b.number);
}

export interface MakeOptions {
  readonly number: number;
  readonly bytes: number;
  /** Piece by piece, each flushed for itself: a flush of frames has never much to wait for. */
  readonly isGentle: boolean;
  /** A segment that is not needed any more, to be made into this one: its blocks are there already. */
  readonly from?: SegmentFile | undefined;
}

/** Makes a segment of zeros. Rejects with the system's error when there is no room; nothing is left behind then. */
export async function makeSegment(directory: string, options: MakeOptions): Promise<SegmentFile> {
  const { number, isGentle, from } = options;
  const newPath = join(directory, NEW_NAME);
  const path = join(directory, `journal-${String(number).padStart(10, '0')}`);
  if (from !== undefined) await rename(from.path, newPath);
  const handle = await open(newPath, from === undefined ? 'w' : 'r+');
  try {
    const bytes = aligned(options.bytes);
    const { size } = await handle.stat();
    if (size > bytes) await handle.truncate(bytes);
    for (let at = 0; at < bytes; ) {
      at += await writeZeros(handle, at, bytes);
      if (isGentle) await handle.datasync();
    }
    await handle.sync();
  } catch (error) {
    await handle.close();
    await unlink(newPath);
    throw error;
  }
  await handle.close();
  await rename(newPath, path);
  await flushNames(directory);
  return { number, path };
}

/** How many: the system writes fewer than it was given where the disk is nearly full. */
async function writeZeros(handle: FileHandle, at: number, end: number): Promise<number> {
  const { bytesWritten } = await handle.write(PIECE, 0, Math.min(PIECE.length, end - at), at);
  return bytesWritten;
}

/** Adds zeros, so that the segment has `bytes`. */
export async function growSegment({ path }: SegmentFile, bytes: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    if (size >= bytes) return;
    for (let at = size; at < bytes; ) at += await writeZeros(handle, at, bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes what was renamed in a directory durable. */
export async function flushNames(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
