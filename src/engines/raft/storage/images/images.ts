// Images of the store: those that are read, and the one that comes in and takes the place of what is here.
//
// The switch is the rename of a file. The image's file is made into what the whole store is to be (its rows in the range,
// this store's rows beside it, the journal's last frame for its checkpoint) while nothing is written; then it is
// renamed over the data file. Before that a start finds the old file and the journal, after it the new one, which
// has everything that the journal has.

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
import {
  CHECKPOINT_KEY,
  type Checkpoints,
  encodeCheckpoint,
  withoutCheckpoint,
} from '../journal/checkpoints.ts';
import type { Journal } from '../journal/journal.ts';
import { LayeredReader } from '../journal/row-layer.ts';
import { DATA_FILE_NAME } from '../lmdb/data-file.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import { StagedImage } from './staged-image.ts';
import { TreeImage } from './tree-image.ts';

/** Of one transaction: a few milliseconds of the event loop. */
const SLICE_OPERATIONS = 500;
const SLICE_BYTES = 256 * 1024;

const FIRST_KEY = Uint8Array.of(0);
const BEHIND_ALL_KEYS = new Uint8Array(MAX_KEY_BYTES + 1).fill(0xff);

export interface ImagesParts {
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

  /** Of what LMDB has after a checkpoint: between two of them its rows belong together. */
  open(done: (error: Error | undefined, image: StoreImage | undefined) => void): void {
    const { directory, tree, checkpoints } = this.#parts;
    checkpoints.pause(true, (error, goOn) => {
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
        goOn();
        done(failure, image);
      });
    });
  }

  stage(sizeBytes: number): StagedImage {
    const { directory, tree, checkRow } = this.#parts;
    const before = this.#staged;
    assert(before === undefined || before.isGivenUp, 'one image comes in at a time');
    this.#staged = new StagedImage({
      directory,
      sizeBytes,
      checkRow,
      hasRoom: (bytes) => tree.hasRoomBeside(bytes),
      explainFailure: (cause, bytes) => tree.explainFailure(cause, bytes),
      after: before?.ended ?? Promise.resolve(),
    });
    return this.#staged;
  }

  /** While no frame is written. `done` is called in the turn of the event loop from which on reads are of the image. */
  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void {
    const { tree, journal, checkpoints } = this.#parts;
    const staged = this.#staged;
    assert(staged !== undefined && adoption.staging === staged, 'an image is staged where it is adopted');
    staged.beginAdoption();
    checkpoints.pause(false, (error, goOn) => {
      if (error !== undefined) {
        staged.endAdoption();
        setImmediate(done, error);
        return;
      }
      const rows = new LayeredReader(checkpoints.layers, withoutCheckpoint(tree));
      const exchange = async (): Promise<void> => {
        await makeRowsBeside(staged.tree, adoption, rows);
        const value = encodeCheckpoint(journal.position);
        await carry(staged.tree, [{ kind: 'put', key: CHECKPOINT_KEY, value }]);
        await staged.becomeDataFile();
      };
      tree.replaceFile(exchange, (failure) => {
        staged.endAdoption();
        if (failure === undefined) {
          this.#staged = undefined;
          checkpoints.forget();
        }
        goOn();
        done(failure);
      });
    });
  }

  /** The files of an image that never became the store's are removed. */
  close(): Promise<void> {
    this.#staged?.discard();
    return this.#staged?.ended ?? Promise.resolve();
  }
}

/** Makes the rows outside of the range what they are to be; also where that was done before, and ended half way. */
async function makeRowsBeside(
  tree: LmdbStore,
  { range, dropped, operations }: ImageAdoption,
  rows: KeyValueReader,
): Promise<void> {
  for (const beside of gapsBetween([range])) {
    for (let slice = deletesIn(tree, beside); slice.length > 0; slice = deletesIn(tree, beside)) {
      await carry(tree, slice);
    }
  }
  for (const { from, to } of gapsBetween([range, dropped])) {
    for (let next: Uint8Array | undefined = from; next !== undefined; ) {
      const slice = putsIn(rows, { from: next, to });
      await carry(tree, slice.operations);
      next = slice.next;
    }
  }
  for (let at = 0; at < operations.length; at += SLICE_OPERATIONS) {
    await carry(tree, operations.slice(at, at + SLICE_OPERATIONS));
  }
}

/** What no range has of all keys. */
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

/** `next`: where it goes on; undefined when there is no more. */
function putsIn(
  rows: KeyValueReader,
  range: KeyRange,
): { operations: WriteOperation[]; next: Uint8Array | undefined } {
  const operations: WriteOperation[] = [];
  let bytes = 0;
  for (const { key, value } of rows.range(range)) {
    if (operations.length === SLICE_OPERATIONS || bytes >= SLICE_BYTES) return { operations, next: key };
    operations.push({ kind: 'put', key, value });
    bytes += key.length + value.length;
  }
  return { operations, next: undefined };
}

function carry(tree: LmdbStore, operations: readonly WriteOperation[]): Promise<void> {
  return new Promise((resolve, reject) => {
    tree.carry(operations, (error) => (error === undefined ? resolve() : reject(error)));
  });
}
