// Opens the journal of a store, or begins one. The checkpoint in LMDB says where the journal continues.

import { readFileSync, statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { CodedError } from '../../../shared/coded-error.ts';
import { MAX_KEY_BYTES, type WriteOperation } from '../node/ports/key-value-store.ts';
import type { RowCheck } from './check/verify-data-file.ts';
import { sync } from './data-directory.ts';

import {
  CHECKPOINT_KEY,
  decodeCheckpoint,
  encodeCheckpoint,
  type JournalLimits,
} from './journal/checkpoints.ts';
import { Journal, type JournalPosition } from './journal/journal.ts';
import { aligned, isZero } from './journal/journal-frame.ts';
import {
  JournalDamage,
  type RecoveredJournal,
  recoverJournal,
  type SegmentFile,
} from './journal/journal-recovery.ts';
import { findSegments, makeSegment } from './journal/journal-segments.ts';
import { JournaledStore } from './journaled-store.ts';
import type { LmdbStore } from './lmdb/lmdb-store.ts';
import { storeDamaged } from './storage-errors.ts';

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
  const through = lastCheckpoint(tree);
  const all = await findSegments(directory);
  if (through === undefined) {
    // The data file is new, or the process that made it ended before it wrote the first checkpoint.
    if (hasRows(tree)) throw journalDamaged(directory, new JournalDamage('its checkpoint is missing'));
    if (all.some(({ path }) => !isBlank(path))) {
      throw journalDamaged(
        directory,
        new JournalDamage('it has frames, and the data file has no checkpoint'),
      );
    }
    await remove(directory, all);
    const file = await makeSegment(directory, { number: 1, bytes: segmentBytes, isGentle: false });
    await writeCheckpoint(tree, { frame: 0, segment: 1 });
    const journal = new Journal(directory, {
      files: [file],
      recovered: recoverJournal([file], 0),
      segmentBytes,
    });
    return new JournaledStore({ directory, tree, journal, recovered: [], limits, checkRow });
  }
  const files = all.filter(({ number }) => number >= through.segment);
  const recovered = recover(directory, files, through);
  const batches = recovered.frames.map(({ operations }) => operations);
  if (checkRow !== undefined) {
    for (const operations of batches) checkRows(directory, operations, checkRow);
  }
  // A new commit replaces the one that was rolled back, so that meta page and trees are of one transaction
  // again. On a full disk the next checkpoint does it.
  if (isRolledBack) await writeCheckpoint(tree, through).catch(passIfFull);
  const used = files.filter(({ number }) => number <= recovered.segment);
  await remove(
    directory,
    all.filter((file) => !used.includes(file) && file !== recovered.spare),
  );
  for (const { path } of used) sync(path);
  const journal = new Journal(directory, { files: used, recovered, segmentBytes });
  return new JournaledStore({ directory, tree, journal, recovered: batches, limits, checkRow });
}

function limitsFor(directory: string): JournalLimits {
  const { blocks, bsize } = statfsSync(directory);
  const part = Math.max(MIN_SEGMENT_BYTES, blocks * bsize * SEGMENT_FRACTION);
  const segmentBytes = aligned(Math.min(SEGMENT_BYTES, part));
  // A larger checkpoint writes fewer pages of LMDB, and holds more rows in memory until then.
  return { segmentBytes, checkpointBytes: segmentBytes };
}

function hasRows(tree: LmdbStore): boolean {
  const all = { from: Uint8Array.of(0), to: new Uint8Array(MAX_KEY_BYTES + 1).fill(0xff) };
  for (const _ of tree.range(all)) return true;
  return false;
}

function lastCheckpoint(tree: LmdbStore): JournalPosition | undefined {
  const value = tree.get(CHECKPOINT_KEY);
  return value && decodeCheckpoint(value);
}

function recover(
  directory: string,
  files: readonly SegmentFile[],
  { frame, segment }: JournalPosition,
): RecoveredJournal {
  try {
    for (const [at, file] of files.entries()) {
      if (file.number !== segment + at) throw new JournalDamage(`segment ${segment + at} is missing`);
    }
    return recoverJournal(files, frame);
  } catch (error) {
    if (error instanceof JournalDamage) throw journalDamaged(directory, error);
    throw error;
  }
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

function journalDamaged(directory: string, cause: Error): CodedError {
  return storeDamaged(`the journal in ${directory}`, directory, cause);
}

function isBlank(path: string): boolean {
  const bytes = readFileSync(path);
  return isZero(bytes, 0, bytes.length);
}

async function remove(directory: string, files: readonly SegmentFile[]): Promise<void> {
  // `force`: an unlink begun by the last process may take effect only now.
  for (const { path } of files) await rm(path, { force: true });
  if (files.length > 0) sync(directory);
}

function passIfFull(error: unknown): void {
  if (!(error instanceof CodedError) || error.code !== 'disk_full') throw error;
}

function writeCheckpoint(tree: LmdbStore, position: JournalPosition): Promise<void> {
  const value = encodeCheckpoint(position);
  return new Promise((resolve, reject) => {
    tree.writeAccepted([{ kind: 'put', key: CHECKPOINT_KEY, value }], (error) =>
      error === undefined ? resolve() : reject(error),
    );
  });
}
