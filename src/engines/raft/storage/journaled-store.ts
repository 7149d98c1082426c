// The KeyValueStore of a node: a journal before LMDB.
//
//   write:      journal (durable, acknowledged) → layer of rows in memory
//   checkpoint: a full layer → LMDB, in the background (checkpoints.ts)
//   read:       the active layer, the layer under checkpoint, LMDB

import { assert } from '../../../shared/assert.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import {
  type ImageAdoption,
  type ImageStaging,
  type KeyRange,
  type KeyValueRow,
  type KeyValueStore,
  MAX_KEY_BYTES,
  type StorageSpace,
  type StoreImage,
  type WriteOperation,
} from '../node/ports/key-value-store.ts';
import type { RowCheck } from './check/verify-data-file.ts';
import { Images } from './images/images.ts';
import { Checkpoints, type JournalLimits, withoutCheckpoint } from './journal/checkpoints.ts';
import type { Batches, Journal } from './journal/journal.ts';
import { operationsBytes } from './journal/journal-frame.ts';
import { LayeredReader } from './journal/row-layer.ts';
import { type LmdbStore, putBytes } from './lmdb/lmdb-store.ts';

/** Bounds the writes that wait for the one under way; a node has a handful. */
const MAX_QUEUED_WRITES = 256;
/** Bounds the waiting writes that go into one frame together. */
const MAX_FRAME_BYTES = 1024 * 1024;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  /** Set for a write that adopts an image: it shares no frame. */
  readonly adoption?: ImageAdoption;
  readonly done: (error: Error | undefined) => void;
}

interface JournaledStoreParts {
  readonly directory: string;
  readonly tree: LmdbStore;
  readonly journal: Journal;
  /** The operations that the journal held after the last checkpoint, frame by frame. */
  readonly recovered: Batches;
  readonly limits: JournalLimits;
  /** Checks the rows of incoming images. */
  readonly checkRow: RowCheck | undefined;
}

export class JournaledStore implements KeyValueStore {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpoints: Checkpoints;
  readonly #images: Images;
  readonly #queue: QueuedWrite[] = [];
  #isWriting = false;
  /** The first failure other than a full disk: nothing is written after it. */
  #failure: Error | undefined;
  #whenClosed: (() => void) | undefined;
  #isClosed = false;

  constructor({ directory, tree, journal, recovered, limits, checkRow }: JournaledStoreParts) {
    this.#tree = tree;
    this.#journal = journal;
    this.#checkpoints = new Checkpoints({ tree, journal, limits }, (error) => this.#onCheckpointEnd(error));
    this.#images = new Images({ directory, tree, journal, checkpoints: this.#checkpoints, checkRow });
    this.#checkpoints.hold(recovered);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#reader().get(key);
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    return this.#reader().range(range);
  }

  #reader(): LayeredReader {
    return new LayeredReader(this.#checkpoints.layers, withoutCheckpoint(this.#tree));
  }

  /** The rows in the layers still need space in LMDB, so they count as used. */
  space(): StorageSpace {
    const { freeBytes, reserveBytes, usedBytes } = this.#tree.freeSpace.space();
    return { freeBytes: Math.max(0, freeBytes - this.#checkpoints.heldBytes), reserveBytes, usedBytes };
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#check(operations);
    this.#queue.push({ operations, done });
    this.#next();
  }

  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void {
    assert(!this.#isClosed, 'a store that was closed has no images');
    if (this.#failure !== undefined) setImmediate(done, this.#failure, undefined);
    else this.#images.open(done);
  }

  stageImage(sizeBytes: number): ImageStaging {
    assert(!this.#isClosed, 'a store that was closed has no images');
    return this.#images.stage(sizeBytes);
  }

  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void {
    const { operations, range } = adoption;
    this.#check(operations);
    for (const { key } of operations) {
      const isInside = Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
      assert(!isInside, 'operations of an adoption are outside of its range');
    }
    this.#queue.push({ operations, adoption, done });
    this.#next();
  }

  #check(operations: readonly WriteOperation[]): void {
    assert(!this.#isClosed, 'a closed store takes no writes');
    assert(this.#queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
    for (const { key } of operations) {
      assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key has ${key.length} bytes`);
    }
  }

  /** Finishes the queue and writes all rows into LMDB, so that the next start recovers nothing. */
  close(done: () => void): void {
    assert(!this.#isClosed, 'a store is closed once');
    this.#isClosed = true;
    this.#whenClosed = done;
    setImmediate(() => this.#next());
  }

  // -------------------------------------------------------------- the journal

  #next(): void {
    if (this.#isWriting) return;
    const [first] = this.#queue;
    if (first === undefined) {
      this.#maybeClose();
      return;
    }
    const refusal = this.#failure ?? this.#shortageFor(first.operations);
    if (refusal === undefined && this.#checkpoints.isHolding) return;
    this.#isWriting = true;
    const { adoption } = first;
    if (refusal !== undefined || (first.operations.length === 0 && adoption === undefined)) {
      // In a later turn of the event loop: a caller that retries at once must not occupy it.
      setImmediate(() => this.#onWritesEnd([first], refusal));
      return;
    }
    if (adoption !== undefined) {
      this.#images.adopt(adoption, (error) => {
        if (error !== undefined && !isDiskFull(error)) this.#failure ??= error;
        this.#onWritesEnd([first], error);
      });
      return;
    }
    const writes = this.#nextFrame();
    const batches = writes.map(({ operations }) => operations);
    this.#journal.append(batches, (error) => {
      if (error === undefined) this.#checkpoints.hold(batches);
      this.#onWritesEnd(writes, error && this.#explain(error, writes));
    });
  }

  /** Returns the first write and those after it that may share its frame. */
  #nextFrame(): QueuedWrite[] {
    const writes: QueuedWrite[] = [];
    let bytes = 0;
    for (const write of this.#queue) {
      const { operations, adoption } = write;
      bytes += operationsBytes(operations);
      const isNext = operations.length > 0 && adoption === undefined && bytes <= MAX_FRAME_BYTES;
      if (writes.length > 0 && (!isNext || this.#shortageFor(operations) !== undefined)) break;
      writes.push(write);
    }
    return writes;
  }

  #onWritesEnd(writes: readonly QueuedWrite[], error: Error | undefined): void {
    this.#queue.splice(0, writes.length);
    this.#isWriting = false;
    try {
      for (const { done } of writes) done(error);
    } finally {
      this.#next();
    }
  }

  #explain(cause: Error, writes: readonly QueuedWrite[]): Error {
    const bytes = writes.reduce((sum, { operations }) => sum + operationsBytes(operations), 0);
    const error = this.#tree.explainFailure(cause, bytes);
    if (error.code !== 'disk_full') this.#failure = error;
    return error;
  }

  /** Returns `disk_full` when the journal or, at the next checkpoint, LMDB lacks space for the operations. */
  #shortageFor(operations: readonly WriteOperation[]): Error | undefined {
    const { isTreeFull, isHolding, claimedBytes } = this.#checkpoints;
    const bytes = isTreeFull && isHolding ? Number.POSITIVE_INFINITY : putBytes(operations);
    return this.#tree.freeSpace.shortageFor({ bytes, claimedBytes });
  }

  // -------------------------------------------------------------- LMDB

  #onCheckpointEnd(error: Error | undefined): void {
    const { isTreeFull } = this.#checkpoints;
    if (error !== undefined && !isTreeFull) this.#failure ??= error;
    this.#next();
  }

  /** A store that closes on a full disk does not wait for space: the journal has all rows. */
  #maybeClose(): void {
    if (this.#whenClosed === undefined) return;
    const canCheckpoint = this.#failure === undefined && !this.#checkpoints.isTreeFull;
    if (canCheckpoint && !this.#checkpoints.isEmpty) {
      this.#checkpoints.begin();
      return;
    }
    const done = this.#whenClosed;
    this.#whenClosed = undefined;
    this.#checkpoints.stop();
    void Promise.all([this.#journal.close(), this.#images.close()]).then(() => this.#tree.close(done));
  }
}

function isDiskFull(error: Error): boolean {
  return error instanceof CodedError && error.code === 'disk_full';
}
