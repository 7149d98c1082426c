// The files of the journal, `journal-<number>`. They are filled with zeros and made durable before use, so
// that the flush of a frame writes only the frame.

import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncInBackground } from '../data-directory.ts';
import { aligned } from './journal-frame.ts';
import type { SegmentFile } from './journal-recovery.ts';

const NAME = /^journal-(\d{10})$/;
/** The name of a segment until it is complete. A file found under this name was never used. */
const NEW_NAME = 'journal.new';
const PIECE = Buffer.alloc(256 * 1024);

/** Returns the segments in `directory` in the order of their numbers. Removes an incomplete one. */
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

interface MakeOptions {
  readonly number: number;
  readonly bytes: number;
  /** Flushes each piece by itself, so that the flush of a frame never waits long. */
  readonly isGentle: boolean;
  /** A released segment to reuse: its blocks are allocated already. */
  readonly from?: SegmentFile | undefined;
}

/** Makes a segment of zeros. Rejects with the system's error on a full disk, and leaves nothing behind. */
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
  await syncInBackground(directory);
  return { number, path };
}

/** Returns how many zeros were written: fewer than asked for when the disk is nearly full. */
async function writeZeros(handle: FileHandle, at: number, end: number): Promise<number> {
  const { bytesWritten } = await handle.write(PIECE, 0, Math.min(PIECE.length, end - at), at);
  return bytesWritten;
}

/** Adds zeros until the segment has `bytes`. */
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
