// Opens the journal of a store, or begins one. The checkpoint in LMDB says where the journal continues.

import { readFileSync, statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CodedError } from '../../../shared/coded-error.ts';
import { MAX_KEY_BYTES, type WriteOperation } from '../node/ports/key-value-store.ts';
import type { RowCheck } from './check/verify-data-file.ts';
import { sync } from './data-directory.ts';
import { checkpointRow, type JournalLimits, lastCheckpoint } from './journal/checkpoints.ts';
import { Journal } from './journal/journal.ts';
import { aligned, isZero } from './journal/journal-frame.ts';
import { journalDamaged, recoverJournal } from './journal/journal-recovery.ts';
import { findSegments, makeSegment, type SegmentFile } from './journal/journal-segments.ts';
import { JournaledStore } from './journaled-store.ts';
import type { LmdbStore } from './lmdb/lmdb-store.ts';
import { isDiskFull } from './storage-errors.ts';

const SEGMENT_BYTES = 4 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 128 * 1024;
/** The part of a small file system that a segment takes. */
const SEGMENT_FRACTION = 1 / 64;

interface OpenJournaledStoreOptions {
  readonly tree: LmdbStore;
  readonly isRolledBack: boolean;
  readonly checkRow: RowCheck | undefined;
  readonly limits: JournalLimits | undefined;
}

/**
 * Returns the store of `directory`, whose data file has been verified and opened. Rejects with CodedError
 * `store_damaged` when the journal is damaged, and with the system's error when a file cannot be made.
 */
export async function openJournaledStore(
  directory: string,
  { tree, isRolledBack, checkRow, limits = limitsFor(directory) }: OpenJournaledStoreOptions,
): Promise<JournaledStore> {
  const { segmentBytes } = limits;
  const writeAccepted = promisify(tree.writeAccepted.bind(tree));
  let through = lastCheckpoint(tree);
  let files = await findSegments(directory);
  if (through === undefined) {
    // The data file is new, or the process that made it ended before it wrote the first checkpoint.
    checkUnused(directory, tree, files);
    await remove(directory, files);
    through = { frame: 0, segment: 1 };
    files = [await makeSegment(directory, { number: through.segment, bytes: segmentBytes, isGentle: false })];
    await writeAccepted([checkpointRow(through)]);
  }
  const { frame, segment } = through;
  const needed = files.filter(({ number }) => number >= segment);
  const gap = needed.findIndex(({ number }, at) => number !== segment + at);
  if (gap >= 0) throw journalDamaged(directory, `segment ${segment + gap} is missing`);
  const recovered = recoverJournal(directory, needed, frame);
  if (checkRow !== undefined) checkRows(directory, recovered.operations, checkRow);
  // A new commit replaces the one that was rolled back, so that meta page and trees are of one transaction
  // again. On a full disk the next checkpoint does it.
  if (isRolledBack) {
    await writeAccepted([checkpointRow(through)]).catch((error) => {
      if (!isDiskFull(error)) throw error;
    });
  }
  const kept = [...recovered.files, recovered.spare];
  await remove(
    directory,
    files.filter((file) => !kept.includes(file)),
  );
  for (const { path } of recovered.files) sync(path);
  const journal = new Journal(directory, recovered, segmentBytes);
  return new JournaledStore({ directory, tree, journal, recovered: recovered.operations, limits, checkRow });
}

/** Throws when there are rows or frames, which a store without a checkpoint cannot have. */
function checkUnused(directory: string, tree: LmdbStore, files: readonly SegmentFile[]): void {
  const all = { from: Uint8Array.of(0), to: new Uint8Array(MAX_KEY_BYTES + 1).fill(0xff) };
  for (const _ of tree.range(all)) throw journalDamaged(directory, 'its checkpoint is missing');
  for (const { path } of files) {
    const bytes = readFileSync(path);
    if (isZero(bytes, 0, bytes.length)) continue;
    throw journalDamaged(directory, 'it has frames, and the data file has no checkpoint');
  }
}

function limitsFor(directory: string): JournalLimits {
  const { blocks, bsize } = statfsSync(directory);
  const part = Math.max(MIN_SEGMENT_BYTES, blocks * bsize * SEGMENT_FRACTION);
  const segmentBytes = aligned(Math.min(SEGMENT_BYTES, part));
  // A larger checkpoint writes fewer pages of LMDB, and holds more rows in memory until then.
  return { segmentBytes, checkpointBytes: segmentBytes };
}

function checkRows(directory: string, operations: readonly WriteOperation[], checkRow: RowCheck): void {
  for (const operation of operations) {
    if (operation.kind !== 'put') continue;
    try {
      const { key, value } = operation;
      const bytes = Buffer.concat([key, value]);
      checkRow({ bytes, keyStart: 0, valueStart: key.length, valueEnd: bytes.length });
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'record_damaged') throw error;
      throw journalDamaged(directory, error);
    }
  }
}

async function remove(directory: string, files: readonly SegmentFile[]): Promise<void> {
  // `force`: an unlink begun by the last process may take effect only now.
  for (const { path } of files) await rm(path, { force: true });
  if (files.length > 0) sync(directory);
}
