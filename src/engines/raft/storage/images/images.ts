// Images of the store: those that are read, and an incoming one that replaces the rows of this store.
//
// The replacement is the rename of a file. While no write is under way, the image's file is completed: it
// gets this store's rows outside of the range, and a checkpoint row with the journal's last frame. Then it is
// renamed over the data file. Before the rename a start finds the old file and the journal; after it the new
// file, which has all rows of the journal.

import { join } from 'node:path';
import { assert } from '../../../../shared/assert.ts';
import {
  type ImageAdoption,
  type KeyRange,
  type KeyValueReader,
  MAX_KEY_BYTES,
  type StoreImage,
  type WriteOperation,
} from '../../node/ports/key-value-store.ts';
import type { RowCheck } from '../check/verify-data-file.ts';
import { type Checkpoints, checkpointRow } from '../journal/checkpoints.ts';
import type { Journal } from '../journal/journal.ts';
import { DATA_FILE_NAME } from '../lmdb/data-file.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import { StagedImage } from './staged-image.ts';
import { TreeImage } from './tree-image.ts';

/** Bounds one transaction, which takes a few milliseconds of the event loop. */
const SLICE_OPERATIONS = 500;

const FIRST_KEY = Uint8Array.of(0);
const BEHIND_ALL_KEYS = new Uint8Array(MAX_KEY_BYTES + 1).fill(0xff);

interface ImagesParts {
  readonly directory: string;
  readonly tree: LmdbStore;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly checkRow: RowCheck | undefined;
}

export class Images {
  readonly #parts: ImagesParts;
  #staged: StagedImage | undefined;

  constructor(parts: ImagesParts) {
    this.#parts = parts;
  }

  /**
   * Opens an image of LMDB after a checkpoint: between two checkpoints its rows are one state of the store.
   */
  open(done: (error: Error | undefined, image: StoreImage | undefined) => void): void {
    const { directory, tree, checkpoints } = this.#parts;
    checkpoints.pause({ isAfterRows: true }, (error, resume) => {
      if (error !== undefined) {
        setImmediate(done, error, undefined);
        return;
      }
      let image: TreeImage | undefined;
      const open = (): void => {
        const snapshot = tree.snapshot();
        try {
          image = new TreeImage(join(directory, DATA_FILE_NAME), snapshot);
        } catch (failure) {
          snapshot.close();
          throw failure;
        }
      };
      tree.betweenWrites(open, (failure) => {
        resume();
        done(failure, image);
      });
    });
  }

  stage(sizeBytes: number): StagedImage {
    const { directory, tree, checkRow } = this.#parts;
    const before = this.#staged;
    assert(before === undefined || before.isDiscarded, 'one image is staged at a time');
    this.#staged = new StagedImage({
      directory,
      sizeBytes,
      checkRow,
      live: tree,
      after: before?.ended ?? Promise.resolve(),
    });
    return this.#staged;
  }

  /**
   * Call while no frame is written. `done` is called in the turn of the event loop in which reads switch to
   * the image.
   */
  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void {
    const { tree, journal, checkpoints } = this.#parts;
    const staged = this.#staged;
    assert(staged !== undefined && adoption.staging === staged, 'another store staged this image');
    staged.beginAdoption();
    checkpoints.pause({ isAfterRows: false }, (error, resume) => {
      if (error !== undefined) {
        staged.endAdoption();
        setImmediate(done, error);
        return;
      }
      const rows = checkpoints.reader();
      const exchange = async (): Promise<void> => {
        await replaceOtherRows(staged.tree, adoption, rows);
        await write(staged.tree, [checkpointRow(journal.position)]);
        await staged.becomeDataFile();
      };
      tree.replaceFile(exchange, (failure) => {
        staged.endAdoption();
        if (failure === undefined) {
          this.#staged = undefined;
          checkpoints.forget();
        }
        resume();
        done(failure);
      });
    });
  }

  /** Removes the files of an image that was not adopted. */
  close(): Promise<void> {
    this.#staged?.discard();
    return this.#staged?.ended ?? Promise.resolve();
  }
}

/**
 * Replaces the image's rows outside of the range. It may be repeated after an attempt that failed half way.
 * The store's rows that stay are a node's few records, so they are read at once.
 */
async function replaceOtherRows(
  tree: LmdbStore,
  { range, dropped, operations }: ImageAdoption,
  rows: KeyValueReader,
): Promise<void> {
  for (const gap of gapsBetween([range])) {
    for (let slice = deletesIn(tree, gap); slice.length > 0; slice = deletesIn(tree, gap)) {
      await write(tree, slice);
    }
  }
  const puts = gapsBetween([range, dropped]).flatMap((gap) =>
    Array.from(rows.range(gap), ({ key, value }): WriteOperation => ({ kind: 'put', key, value })),
  );
  const all = [...puts, ...operations];
  for (let at = 0; at < all.length; at += SLICE_OPERATIONS) {
    await write(tree, all.slice(at, at + SLICE_OPERATIONS));
  }
}

/** Returns the ranges of keys that are in none of `ranges`. */
function gapsBetween(ranges: readonly KeyRange[]): KeyRange[] {
  const gaps: KeyRange[] = [];
  let from: Uint8Array = FIRST_KEY;
  for (const range of ranges.toSorted((a, b) => Buffer.compare(a.from, b.from))) {
    if (Buffer.compare(from, range.from) < 0) gaps.push({ from, to: range.from });
    if (Buffer.compare(from, range.to) < 0) from = range.to;
  }
  gaps.push({ from, to: BEHIND_ALL_KEYS });
  return gaps;
}

function deletesIn(tree: KeyValueReader, range: KeyRange): WriteOperation[] {
  const operations: WriteOperation[] = [];
  for (const { key } of tree.range(range)) {
    operations.push({ kind: 'delete', key });
    if (operations.length === SLICE_OPERATIONS) break;
  }
  return operations;
}

function write(tree: LmdbStore, operations: readonly WriteOperation[]): Promise<void> {
  return new Promise((resolve, reject) => {
    tree.writeAccepted(operations, (error) => (error === undefined ? resolve() : reject(error)));
  });
}
