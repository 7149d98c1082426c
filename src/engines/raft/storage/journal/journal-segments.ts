// The files of the journal, `journal-<number>`. They are filled with zeros and made durable before use, so
// that the flush of a frame writes only the frame.

import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncInBackground } from '../data-directory.ts';
import { aligned } from './journal-frame.ts';

const NAME = /^journal-(\d{10})$/;
/** The name of a segment until it is complete. A file found under this name was never used. */
const NEW_NAME = 'journal.new';
const PIECE = Buffer.alloc(256 * 1024);

export interface SegmentFile {
  /** Segments are numbered 1, 2, 3 … in the order in which they were begun. */
  readonly number: number;
  readonly path: string;
}

/** Returns the segments in `directory` in the order of their numbers. Removes an incomplete one. */
export async function findSegments(directory: string): Promise<SegmentFile[]> {
  const names = await readdir(directory);
  if (names.includes(NEW_NAME)) await unlink(join(directory, NEW_NAME));
  return names
    .filter((name) => NAME.test(name))
    .map((name) => ({ number: Number(NAME.exec(name)?.[1]), path: join(directory, name) }))
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
export async function makeSegment(
  directory: string,
  { number, bytes, isGentle, from }: MakeOptions,
): Promise<SegmentFile> {
  const newPath = join(directory, NEW_NAME);
  const path = join(directory, `journal-${String(number).padStart(10, '0')}`);
  if (from !== undefined) await rename(from.path, newPath);
  const handle = await open(newPath, from === undefined ? 'w' : 'r+');
  try {
    const to = aligned(bytes);
    const { size } = await handle.stat();
    if (size > to) await handle.truncate(to);
    await fill(handle, { from: 0, to, isGentle });
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

/** Writes zeros, and makes them durable. */
async function fill(
  handle: FileHandle,
  { from, to, isGentle }: { from: number; to: number; isGentle: boolean },
): Promise<void> {
  for (let at = from; at < to; ) {
    // A nearly full disk takes fewer bytes than asked for.
    at += (await handle.write(PIECE, 0, Math.min(PIECE.length, to - at), at)).bytesWritten;
    if (isGentle) await handle.datasync();
  }
  await handle.sync();
}

/** Adds zeros until the segment has `bytes`. */
export async function growSegment({ path }: SegmentFile, bytes: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    if (size < bytes) await fill(handle, { from: size, to: bytes, isGentle: false });
  } finally {
    await handle.close();
  }
}
