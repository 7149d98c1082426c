// The KeyValueStore of a node: a journal before LMDB.
//
//   write:      journal (durable, acknowledged) → layer of rows in memory
//   checkpoint: a full layer → LMDB, in the background (checkpoints.ts)
//   read:       the layer that fills, the one that is being carried over, LMDB

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

/** Writes that may wait for the one under way: the node has a handful. */
const MAX_QUEUED_WRITES = 256;
/** Of all writes that wait, as many as fit in this go into one frame. */
const MAX_FRAME_BYTES = 1024 * 1024;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  /** What else the write does: then it shares no frame. */
  readonly adoption?: ImageAdoption;
  readonly done: (error: Error | undefined) => void;
}

export interface JournaledStoreParts {
  readonly directory: string;
  readonly tree: LmdbStore;
  readonly journal: Journal;
  /** What the journal held after the last checkpoint, frame by frame. */
  readonly recovered: Batches;
  readonly limits: JournalLimits;
  /** For the rows of images that come in. */
  readonly checkRow: RowCheck | undefined;
}

export class JournaledStore implements KeyValueStore {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpoints: Checkpoints;
  readonly #images: Images;
  readonly #queue: QueuedWrite[] = [];
  #isWriting = false;
  /** Set by the first failure that is not for lack of room: nothing is written after it. */
  #failure: Error | undefined;
  #whenClosed: (() => void) | undefined;
  #isClosed = false;

  constructor({ directory, tree, journal, recovered, limits, checkRow }: JournaledStoreParts) {
    this.#tree = tree;
    this.#journal = journal;
    this.#checkpoints = new Checkpoints({ tree, journal, limits }, (error) => this.#checkpointEnded(error));
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

  /** What the layers hold is still to find its room in LMDB. */
  space(): StorageSpace {
    const { freeBytes, reserveBytes, usedBytes } = this.#tree.space();
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
      assert(!isInside, 'the rows of the range are those of the image');
    }
    this.#queue.push({ operations, adoption, done });
    this.#next();
  }

  #check(operations: readonly WriteOperation[]): void {
    assert(!this.#isClosed, 'nothing is written to a store that was closed');
    assert(this.#queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
    for (const { key } of operations) {
      assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key has ${key.length} bytes`);
    }
  }

  /** Carries everything into LMDB, so that the next start has nothing to do. */
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
    const refusal = this.#failure ?? this.#lackOfRoom(first.operations);
    if (refusal === undefined && this.#checkpoints.isHolding) return;
    this.#isWriting = true;
    const { adoption } = first;
    if (refusal !== undefined || (first.operations.length === 0 && adoption === undefined)) {
      // A turn of the event loop, so that whoever tries again at once does not keep it for himself.
      setImmediate(() => this.#ended([first], refusal));
      return;
    }
    if (adoption !== undefined) {
      this.#images.adopt(adoption, (error) => {
        if (error !== undefined && !isDiskFull(error)) this.#failure ??= error;
        this.#ended([first], error);
      });
      return;
    }
    const writes = this.#nextFrame();
    const batches = writes.map(({ operations }) => operations);
    this.#journal.append(batches, (error) => {
      if (error === undefined) this.#checkpoints.hold(batches);
      this.#ended(writes, error && this.#explain(error, writes));
    });
  }

  /** The first write, and those behind it that may share its frame. */
  #nextFrame(): QueuedWrite[] {
    const writes: QueuedWrite[] = [];
    let bytes = 0;
    for (const write of this.#queue) {
      const { operations, adoption } = write;
      bytes += operationsBytes(operations);
      const isNext = operations.length > 0 && adoption === undefined && bytes <= MAX_FRAME_BYTES;
      if (writes.length > 0 && (!isNext || this.#lackOfRoom(operations) !== undefined)) break;
      writes.push(write);
    }
    return writes;
  }

  #ended(writes: readonly QueuedWrite[], error: Error | undefined): void {
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

  /** Also of the LMDB below: what the journal takes is to be carried there. */
  #lackOfRoom(operations: readonly WriteOperation[]): Error | undefined {
    const { isTreeFull, isHolding, claimedBytes } = this.#checkpoints;
    const bytes = isTreeFull && isHolding ? Number.POSITIVE_INFINITY : putBytes(operations);
    return this.#tree.lackOfRoom(bytes, claimedBytes);
  }

  // -------------------------------------------------------------- LMDB

  #checkpointEnded(error: Error | undefined): void {
    const { isTreeFull } = this.#checkpoints;
    if (error !== undefined && !isTreeFull) this.#failure ??= error;
    this.#next();
  }

  /** A store that closes does not wait for room: the journal has it all. */
  #maybeClose(): void {
    if (this.#whenClosed === undefined) return;
    const canCarry = this.#failure === undefined && !this.#checkpoints.isTreeFull;
    if (canCarry && !this.#checkpoints.isEmpty) {
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
