// Opens the journal of a store, or begins it: what LMDB has says where it goes on.

import { readFileSync, statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { CodedError } from '../../../../shared/coded-error.ts';
import { MAX_KEY_BYTES, type WriteOperation } from '../../node/ports/key-value-store.ts';
import type { RowCheck } from '../check/verify-data-file.ts';
import { flushFile, syncDirectory } from '../data-directory.ts';
import { JournaledStore } from '../journaled-store.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import { storeDamaged } from '../storage-errors.ts';
import { CHECKPOINT_KEY, decodeCheckpoint, encodeCheckpoint, type JournalLimits } from './checkpoints.ts';
import { Journal, type JournalPosition } from './journal.ts';
import { aligned, isZero } from './journal-frame.ts';
import {
  JournalDamage,
  type RecoveredJournal,
  recoverJournal,
  type SegmentFile,
} from './journal-recovery.ts';
import { findSegments, makeSegment } from './journal-segments.ts';

const SEGMENT_BYTES = 4 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 128 * 1024;
/** On a small file system a segment is this part of it. */
const SEGMENT_FRACTION = 1 / 64;

export interface OpenJournalOptions {
  readonly tree: LmdbStore;
  readonly isTakenBack: boolean;
  readonly checkRow: RowCheck | undefined;
  readonly limits: JournalLimits | undefined;
}

/**
 * The store of `directory`, whose data file has been verified and opened. Rejects with CodedError `store_damaged` when
 * the journal is not as it was written, with the system's error when a file cannot be made.
 */
export async function openJournal(
  directory: string,
  { tree, isTakenBack, checkRow, limits = limitsFor(directory) }: OpenJournalOptions,
): Promise<JournaledStore> {
  const { segmentBytes } = limits;
  const through = lastCheckpoint(tree);
  const all = await findSegments(directory);
  if (through === undefined) {
    // The data file was just made, or the process that made it died before it went on.
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
  // A commit in the place of the one that was taken back: meta page and trees are of one transaction again. Without room the
  // next checkpoint is that.
  if (isTakenBack) await writeCheckpoint(tree, through).catch(passIfFull);
  const used = files.filter(({ number }) => number <= recovered.segment);
  await remove(
    directory,
    all.filter((file) => !used.includes(file) && file !== recovered.spare),
  );
  for (const { path } of used) flushFile(path);
  const journal = new Journal(directory, { files: used, recovered, segmentBytes });
  return new JournaledStore({ directory, tree, journal, recovered: batches, limits, checkRow });
}

function limitsFor(directory: string): JournalLimits {
  const { blocks, bsize } = statfsSync(directory);
  const part = Math.max(MIN_SEGMENT_BYTES, blocks * bsize * SEGMENT_FRACTION);
  const segmentBytes = aligned(Math.min(SEGMENT_BYTES, part));
  // The more rows a checkpoint has, the less LMDB writes, and the more memory they take until then.
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
  // One that was given up when the last process ended may be going away only now.
  for (const { path } of files) await rm(path, { force: true });
  if (files.length > 0) syncDirectory(directory);
}

function passIfFull(error: unknown): void {
  if (!(error instanceof CodedError) || error.code !== 'disk_full') throw error;
}

function writeCheckpoint(tree: LmdbStore, position: JournalPosition): Promise<void> {
  const value = encodeCheckpoint(position);
  return new Promise((resolve, reject) => {
    tree.carry([{ kind: 'put', key: CHECKPOINT_KEY, value }], (error) =>
      error === undefined ? resolve() : reject(error),
    );
  });
}
