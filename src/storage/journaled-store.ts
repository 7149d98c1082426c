// The KeyValueStore of a node: a journal before LMDB.
//
//   write:      journal (durable, acknowledged) → layer of rows in memory
//   checkpoint: a full layer → LMDB, in the background (checkpoints.ts)
//   read:       the layer that fills, the one that is being carried over, LMDB

import {
  type KeyRange,
  type KeyValueRow,
  type KeyValueSnapshot,
  type KeyValueStore,
  MAX_KEY_BYTES,
  type StorageSpace,
  type WriteOperation,
} from '../node/ports.ts';
import { assert } from '../shared/assert.ts';
import { Checkpoints, type JournalLimits, withoutCheckpoint } from './checkpoints.ts';
import type { Batches, Journal } from './journal.ts';
import { operationsBytes } from './journal-frame.ts';
import { type LmdbStore, putBytes } from './lmdb-store.ts';
import { LayeredReader } from './row-layer.ts';

/** Writes that may wait for the one under way: the node has a handful. */
const MAX_QUEUED_WRITES = 256;
/** Of all writes that wait, as many as fit in this go into one frame. */
const MAX_FRAME_BYTES = 1024 * 1024;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  readonly done: (error: Error | undefined) => void;
}

export interface JournaledStoreParts {
  readonly tree: LmdbStore;
  readonly journal: Journal;
  /** What the journal held after the last checkpoint, frame by frame. */
  readonly recovered: Batches;
  readonly limits: JournalLimits;
}

export class JournaledStore implements KeyValueStore {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpoints: Checkpoints;
  readonly #queue: QueuedWrite[] = [];
  #isWriting = false;
  /** Written apart, and held back until LMDB has what was written to the same part of the keys before. */
  #heldApart: QueuedWrite[] = [];
  /** Set by the first failure that is not for lack of room: nothing is written after it. */
  #failure: Error | undefined;
  #whenClosed: (() => void) | undefined;
  #isClosed = false;

  constructor({ tree, journal, recovered, limits }: JournaledStoreParts) {
    this.#tree = tree;
    this.#journal = journal;
    this.#checkpoints = new Checkpoints({ tree, journal, limits }, (error) => this.#checkpointEnded(error));
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

  snapshot(): KeyValueSnapshot {
    const tree = this.#tree.snapshot();
    const layers = this.#checkpoints.layers.map((layer) => layer.clone());
    const reader = new LayeredReader(layers, withoutCheckpoint(tree));
    return {
      get: (key) => reader.get(key),
      range: (range) => reader.range(range),
      close: () => tree.close(),
    };
  }

  /** What the layers hold is still to find its room in LMDB. */
  space(): StorageSpace {
    const { freeBytes, ...space } = this.#tree.space();
    return { ...space, freeBytes: Math.max(0, freeBytes - this.#checkpoints.heldBytes) };
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#check(operations, this.#queue);
    this.#queue.push({ operations, done });
    this.#next();
  }

  writeApart(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#check(operations, this.#heldApart);
    const refusal = this.#failure ?? this.#lackOfRoom(operations);
    if (refusal !== undefined) setImmediate(done, refusal);
    else this.#writeToTree({ operations, done });
  }

  #check(operations: readonly WriteOperation[], queue: readonly QueuedWrite[]): void {
    assert(!this.#isClosed, 'nothing is written to a store that was closed');
    assert(queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
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
    if (refusal !== undefined || first.operations.length === 0) {
      // A turn of the event loop, so that whoever tries again at once does not keep it for himself.
      setImmediate(() => this.#ended([first], refusal));
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
      const { operations } = write;
      bytes += operationsBytes(operations);
      const isNext = operations.length > 0 && bytes <= MAX_FRAME_BYTES;
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

  /** A layer that has rows there would hide what is written, and would be carried over it. */
  #writeToTree(write: QueuedWrite): void {
    if (this.#mayBeHeld(write.operations)) {
      this.#heldApart.push(write);
      this.#checkpoints.begin();
    } else this.#tree.write(write.operations, write.done);
  }

  #mayBeHeld(operations: readonly WriteOperation[]): boolean {
    const [one] = operations;
    if (one === undefined) return false;
    let first = one.key;
    let last = one.key;
    for (const { key } of operations) {
      if (Buffer.compare(key, first) < 0) first = key;
      if (Buffer.compare(key, last) > 0) last = key;
    }
    return this.#checkpoints.layers.some((layer) => layer.hasBetween(first, last));
  }

  #checkpointEnded(error: Error | undefined): void {
    const { isTreeFull } = this.#checkpoints;
    if (error !== undefined && !isTreeFull) this.#failure ??= error;
    const held = this.#heldApart;
    this.#heldApart = [];
    for (const write of held) {
      if (error === undefined) this.#writeToTree(write);
      else write.done(error);
    }
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
    for (const write of this.#heldApart.splice(0)) {
      write.done(this.#failure ?? this.#tree.lackOfRoom(Number.POSITIVE_INFINITY, 0));
    }
    this.#checkpoints.stop();
    void this.#journal.close().then(() => this.#tree.close(done));
  }
}
