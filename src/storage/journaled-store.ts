// The KeyValueStore of a node: a journal before LMDB.
//
//   write:      journal (durable, acknowledged) → layer of rows in memory
//   checkpoint: a full layer → LMDB, in slices, with the frame up to which it goes; then its segments are free
//   read:       the layer that fills, the one that is being carried into LMDB, LMDB
//
// After a crash the journal has what LMDB lacks. Carrying a layer twice, or in part, does no harm: the journal is read
// from the last whole checkpoint on, and what is written last to a key stands.

import { openSealed, seal } from '../codec/sealed-record.ts';
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
import { CodedError } from '../shared/coded-error.ts';
import { encodeUtf8 } from '../shared/utf8.ts';
import type { Journal, JournalPosition } from './journal.ts';
import { operationsBytes } from './journal-frame.ts';
import { type LmdbStore, putBytes } from './lmdb-store.ts';
import { LayeredReader, RowLayer } from './row-layer.ts';

/** Where the checkpoint stands in the tree: longer than the keys that a node may use, and after all of them. */
export const CHECKPOINT_KEY = new Uint8Array(MAX_KEY_BYTES + 1).fill(0xff);

/** Writes that may wait for the one under way: the node has a handful. */
const MAX_QUEUED_WRITES = 256;
/** Of all writes that wait, as many as fit in this go into one frame. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** Operations of one transaction of a checkpoint: some milliseconds of the event loop. */
const SLICE_OPERATIONS = 1_000;
/** Segments that a checkpoint should have freed begin one, however few rows are in them. */
const CHECKPOINT_SEGMENTS = 2;
/** An estimate, from above. */
const TREE_BYTES_PER_BYTE = 2;
/** Layers may hold this many times what begins a checkpoint, then writes wait for it. */
export const MAX_HELD_CHECKPOINTS = 4;
/** Pause before a checkpoint that found no room is tried again. */
const RETRY_AFTER_MS = 200;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  readonly bytes: number;
  readonly done: (error: Error | undefined) => void;
}

interface Checkpoint {
  readonly layer: RowLayer;
  readonly bytes: number;
  /** The last frame whose rows are in the layer. */
  readonly through: JournalPosition;
}

/** Tests make them tiny. */
export interface JournalLimits {
  /** Of one file; there are a handful. */
  readonly segmentBytes: number;
  /** Rows in memory that begin a checkpoint. */
  readonly checkpointBytes: number;
}

export interface JournaledStoreParts {
  readonly tree: LmdbStore;
  readonly journal: Journal;
  /** What the journal held after the last checkpoint. */
  readonly recovered: readonly WriteOperation[];
  readonly limits: JournalLimits;
}

export class JournaledStore implements KeyValueStore {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpointBytes: number;
  readonly #journalBytes: number;
  readonly #queue: QueuedWrite[] = [];
  #isWriting = false;
  /** What is written now goes here once it is durable. */
  #active = new RowLayer();
  #activeBytes = 0;
  #checkpoint: Checkpoint | undefined;
  /** The last checkpoint found no room, and waits to be tried again. */
  #isTreeFull = false;
  #retry: NodeJS.Timeout | undefined;
  /** Set by the first failure that is not for lack of room: nothing is written after it. */
  #failure: Error | undefined;
  #whenClosed: (() => void) | undefined;
  #isClosed = false;

  constructor({ tree, journal, recovered, limits }: JournaledStoreParts) {
    this.#tree = tree;
    this.#journal = journal;
    this.#checkpointBytes = limits.checkpointBytes;
    this.#journalBytes = limits.segmentBytes * CHECKPOINT_SEGMENTS;
    this.#hold(recovered, operationsBytes(recovered));
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#reader().get(key);
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    return this.#reader().range(range);
  }

  snapshot(): KeyValueSnapshot {
    const tree = this.#tree.snapshot();
    const layers = this.#layers().map((layer) => layer.clone());
    const reader = new LayeredReader(layers, tree);
    return {
      get: (key) => reader.get(key),
      range: (range) => reader.range(range),
      close: () => tree.close(),
    };
  }

  #reader(): LayeredReader {
    return new LayeredReader(this.#layers(), this.#tree);
  }

  #layers(): RowLayer[] {
    return this.#checkpoint === undefined ? [this.#active] : [this.#active, this.#checkpoint.layer];
  }

  /** What the layers hold is still to find its room in LMDB. */
  space(): StorageSpace {
    const { freeBytes, ...space } = this.#tree.space();
    return { ...space, freeBytes: Math.max(0, freeBytes - this.#heldBytes) };
  }

  get #heldBytes(): number {
    return this.#activeBytes + (this.#checkpoint?.bytes ?? 0);
  }

  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    assert(!this.#isClosed, 'nothing is written to a store that was closed');
    assert(this.#queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
    for (const { key } of operations) {
      assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key has ${key.length} bytes`);
    }
    this.#queue.push({ operations, bytes: operationsBytes(operations), done });
    this.#next();
  }

  writeApart(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    assert(!this.#isClosed, 'nothing is written to a store that was closed');
    // A row that a layer has would hide this one, and take its place when it is carried over.
    if (this.#mayBeHeld(operations)) this.write(operations, done);
    else this.#tree.write(operations, done);
  }

  #mayBeHeld(operations: readonly WriteOperation[]): boolean {
    let first: Uint8Array | undefined;
    let last: Uint8Array | undefined;
    for (const { key } of operations) {
      if (first === undefined || Buffer.compare(key, first) < 0) first = key;
      if (last === undefined || Buffer.compare(key, last) > 0) last = key;
    }
    if (first === undefined || last === undefined) return false;
    const [low, high] = [first, last];
    return this.#layers().some((layer) => layer.hasBetween(low, high));
  }

  /** Carries everything into LMDB, so that the next start has nothing to do. */
  close(done: () => void): void {
    assert(!this.#isClosed, 'a store is closed once');
    this.#isClosed = true;
    this.#whenClosed = done;
    setImmediate(() => this.#next());
  }

  // -------------------------------------------------------------- writing

  #next(): void {
    if (this.#isWriting) return;
    const [first] = this.#queue;
    if (first === undefined) {
      this.#maybeClose();
      return;
    }
    const refusal = this.#failure ?? this.#lackOfRoom(first);
    if (refusal === undefined && this.#isHolding) return;
    this.#isWriting = true;
    if (refusal !== undefined || first.operations.length === 0) {
      // A turn of the event loop, so that whoever tries again at once does not keep it for himself.
      setImmediate(() => this.#ended([first], refusal));
      return;
    }
    const writes = this.#nextFrame();
    this.#journal.append(
      writes.map(({ operations }) => operations),
      (error) => {
        if (error === undefined) {
          for (const { operations, bytes } of writes) this.#hold(operations, bytes);
        }
        this.#ended(writes, error && this.#explain(error, writes));
      },
    );
  }

  /** The first write, and those behind it that need not be looked at one by one. */
  #nextFrame(): QueuedWrite[] {
    const writes: QueuedWrite[] = [];
    let bytes = 0;
    for (const write of this.#queue) {
      bytes += write.bytes;
      const isNext = write.operations.length > 0 && bytes <= MAX_FRAME_BYTES;
      if (writes.length > 0 && (!isNext || this.#lackOfRoom(write) !== undefined)) break;
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
    const bytes = writes.reduce((sum, write) => sum + write.bytes, 0);
    const error = this.#tree.explainFailure(cause, bytes);
    if (error.code !== 'disk_full') this.#failure = error;
    return error;
  }

  /** Also of the LMDB below: what the journal takes is to be carried there. */
  #lackOfRoom({ operations }: QueuedWrite): Error | undefined {
    if (this.#isTreeFull && this.#isHolding) return this.#tree.lackOfRoom(Number.POSITIVE_INFINITY, 0);
    return this.#tree.lackOfRoom(putBytes(operations), this.#claimedBytes);
  }

  /** What layers will take in LMDB, which writes whole pages, and the journal until they are there. */
  get #claimedBytes(): number {
    return TREE_BYTES_PER_BYTE * this.#heldBytes + this.#journalBytes;
  }

  /** So much waits to be carried into LMDB that nothing more is taken until it is. */
  get #isHolding(): boolean {
    return this.#activeBytes >= MAX_HELD_CHECKPOINTS * this.#checkpointBytes;
  }

  // -------------------------------------------------------------- checkpoints

  #hold(operations: readonly WriteOperation[], bytes: number): void {
    this.#active.add(operations);
    this.#activeBytes += bytes;
    this.#maybeCheckpoint();
  }

  /** When there are many rows, or few in many frames. */
  #maybeCheckpoint(): void {
    const { neededBytes } = this.#journal;
    const isDue = this.#activeBytes >= this.#checkpointBytes || neededBytes >= this.#journalBytes;
    if (isDue && this.#checkpoint === undefined && this.#active.count > 0) this.#beginCheckpoint();
  }

  #beginCheckpoint(): void {
    if (this.#failure !== undefined) return;
    this.#checkpoint = { layer: this.#active, bytes: this.#activeBytes, through: this.#journal.position };
    this.#active = new RowLayer();
    this.#activeBytes = 0;
    this.#carry(this.#checkpoint);
  }

  #carry(checkpoint: Checkpoint): void {
    const operations = checkpoint.layer.operations()[Symbol.iterator]();
    const step = (error: Error | undefined): void => {
      if (error !== undefined) {
        this.#notCarried(checkpoint, error);
        return;
      }
      const slice: WriteOperation[] = [];
      for (let next = operations.next(); next.done !== true; next = operations.next()) {
        slice.push(next.value);
        if (slice.length === SLICE_OPERATIONS) break;
      }
      if (slice.length === SLICE_OPERATIONS) {
        this.#tree.carry(slice, step);
        return;
      }
      slice.push({ kind: 'put', key: CHECKPOINT_KEY, value: encodeCheckpoint(checkpoint.through) });
      this.#tree.carry(slice, (failure) => {
        if (failure === undefined) this.#carried(checkpoint);
        else this.#notCarried(checkpoint, failure);
      });
    };
    step(undefined);
  }

  #carried({ through }: Checkpoint): void {
    this.#checkpoint = undefined;
    this.#isTreeFull = false;
    this.#journal.release(through.segment);
    this.#maybeCheckpoint();
    this.#next();
  }

  #notCarried(checkpoint: Checkpoint, error: Error): void {
    if (!(error instanceof CodedError) || error.code !== 'disk_full') {
      this.#failure = error;
      this.#next();
      return;
    }
    this.#isTreeFull = true;
    // A store that closes does not wait for room: the journal has it all.
    if (!this.#isClosed) this.#retry = setTimeout(() => this.#carry(checkpoint), RETRY_AFTER_MS);
    this.#next();
  }

  #maybeClose(): void {
    if (this.#whenClosed === undefined) return;
    const canCarry = this.#failure === undefined && !this.#isTreeFull;
    if (canCarry && this.#checkpoint === undefined && this.#active.count > 0) this.#beginCheckpoint();
    if (canCarry && this.#checkpoint !== undefined) return;
    const done = this.#whenClosed;
    this.#whenClosed = undefined;
    clearTimeout(this.#retry);
    void this.#journal.close().then(() => this.#tree.close(done));
  }
}

export function encodeCheckpoint(position: JournalPosition): Uint8Array {
  return seal(CHECKPOINT_KEY, encodeUtf8(JSON.stringify(position)));
}

/** Throws CodedError `record_damaged`. */
export function decodeCheckpoint(value: Uint8Array): JournalPosition {
  return JSON.parse(new TextDecoder().decode(openSealed(CHECKPOINT_KEY, value))) as JournalPosition;
}
