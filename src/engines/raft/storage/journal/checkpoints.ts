// Rows that the journal has and LMDB has not: a layer that fills, and one that is being carried over, in slices, with the
// frame up to which it goes in the last of them. Then the segments of its frames are free.
//
// Carrying a layer twice, or in part, does no harm: after a crash the journal is read from the last whole checkpoint on,
// and what is written last to a key stands.

import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { encodeUtf8 } from '../../../../shared/utf8.ts';
import { openSealed, seal } from '../../codec/sealed-record.ts';
import {
  type KeyValueReader,
  type KeyValueRow,
  MAX_KEY_BYTES,
  type WriteOperation,
} from '../../node/ports/key-value-store.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import type { Journal, JournalPosition } from './journal.ts';
import { operationsBytes } from './journal-frame.ts';
import { RowLayer } from './row-layer.ts';

/**
 * Where the checkpoint stands in LMDB: longer than the keys that a node may use. Not behind them: LMDB leaves a page full
 * where rows are added at the very end of its tree, and in half anywhere before it, which took the last page of jobs.
 */
export const CHECKPOINT_KEY = new Uint8Array(MAX_KEY_BYTES + 1);

/**
 * Operations of one transaction: some milliseconds of the event loop. Each may touch a page of its own, of which the system
 * maps sixteen at a time: what more would map counts as memory until the file is mapped anew, behind the transaction.
 */
const SLICE_OPERATIONS = 800;
/** The same where the disk is full: each may need a page of its own until the transaction is done. */
const CAUTIOUS_SLICE_OPERATIONS = 100;
/** Segments that a checkpoint should have freed begin one, however few rows are in them. */
const CHECKPOINT_SEGMENTS = 2;
/** What waits for LMDB, in rows or in frames, may be this many times what begins a checkpoint. */
export const MAX_HELD_CHECKPOINTS = 4;
/** Of LMDB's pages for a byte of rows: an estimate, from above. */
const TREE_BYTES_PER_BYTE = 2;
/** Pause before a checkpoint that found no room is tried again. */
const RETRY_AFTER_MS = 200;

/** Tests make them tiny. */
export interface JournalLimits {
  /** Of one file; there are a handful. */
  readonly segmentBytes: number;
  /** Rows in memory that begin a checkpoint. */
  readonly checkpointBytes: number;
}

/** What is to happen while no checkpoint is under way; none begins until `goOn` is called. */
interface Pause {
  /** Whether rows that are in a layer now must be in LMDB by then. */
  isBehindRows: boolean;
  readonly action: (error: Error | undefined, goOn: () => void) => void;
}

interface Checkpoint {
  readonly layer: RowLayer;
  readonly bytes: number;
  /** The last frame whose rows are in the layer. */
  readonly through: JournalPosition;
  /** Of the layer's operations, in the order of keys. */
  readonly places: readonly number[];
  /** How many of them LMDB has, with the transaction that is under way. */
  carried: number;
  sliceOperations: number;
}

export class Checkpoints {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpointBytes: number;
  readonly #journalBytes: number;
  readonly #onEnded: (error: Error | undefined) => void;
  #active = new RowLayer();
  #activeBytes = 0;
  #underWay: Checkpoint | undefined;
  /** The last one found no room, and waits to be tried again. */
  #isTreeFull = false;
  /** Why the last one that failed did. */
  #lastError: Error | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** The first of them may be under way. */
  readonly #pauses: Pause[] = [];
  #isPaused = false;
  #isStopped = false;

  /** `onEnded` hears of every checkpoint, of every attempt that failed, and of every pause. */
  constructor(
    { tree, journal, limits }: { tree: LmdbStore; journal: Journal; limits: JournalLimits },
    onEnded: (error: Error | undefined) => void,
  ) {
    this.#tree = tree;
    this.#journal = journal;
    this.#checkpointBytes = limits.checkpointBytes;
    this.#journalBytes = CHECKPOINT_SEGMENTS * limits.segmentBytes;
    this.#onEnded = onEnded;
  }

  /** The newest first. */
  get layers(): readonly RowLayer[] {
    return this.#underWay === undefined ? [this.#active] : [this.#active, this.#underWay.layer];
  }

  get heldBytes(): number {
    return this.#activeBytes + (this.#underWay?.bytes ?? 0);
  }

  /** What the layers will take in LMDB, which writes whole pages, and the journal until they are there. */
  get claimedBytes(): number {
    return TREE_BYTES_PER_BYTE * this.heldBytes + this.#journalBytes;
  }

  /** So much waits to be carried over that nothing more should be taken until it is. */
  get isHolding(): boolean {
    if (this.#underWay === undefined) return false;
    return (
      this.#activeBytes >= MAX_HELD_CHECKPOINTS * this.#checkpointBytes ||
      this.#journal.neededBytes >= MAX_HELD_CHECKPOINTS * this.#journalBytes
    );
  }

  get isTreeFull(): boolean {
    return this.#isTreeFull;
  }

  /** Whether every row is in LMDB. */
  get isEmpty(): boolean {
    return this.#underWay === undefined && this.#active.count === 0;
  }

  /** Takes what frames of the journal hold, up to its last one: all of a frame, or a checkpoint would leave some out. */
  hold(batches: readonly (readonly WriteOperation[])[]): void {
    for (const operations of batches) {
      this.#active.add(operations);
      this.#activeBytes += operationsBytes(operations);
    }
    this.#maybeBegin();
  }

  /** When there are many rows, or few in many frames. */
  #maybeBegin(): void {
    const isDue =
      this.#activeBytes >= this.#checkpointBytes || this.#journal.neededBytes >= this.#journalBytes;
    if (isDue) this.begin();
  }

  /** Unless one is under way or has to wait, or there is nothing to carry. */
  begin(): void {
    if (this.#underWay !== undefined || this.#isPaused || this.#active.count === 0 || this.#isStopped) return;
    this.#underWay = {
      layer: this.#active,
      bytes: this.#activeBytes,
      through: this.#journal.position,
      places: this.#active.places(),
      carried: 0,
      sliceOperations: SLICE_OPERATIONS,
    };
    this.#active = new RowLayer();
    this.#activeBytes = 0;
    this.#carrySlice();
  }

  /**
   * `action` is called when no checkpoint is under way, maybe inside the call; then none begins until it calls `goOn`. With
   * `isBehindRows` LMDB has every row by then that was in the journal at the call. With an error where LMDB has no room.
   */
  pause(isBehindRows: boolean, action: Pause['action']): void {
    this.#pauses.push({ isBehindRows, action });
    if (this.#isTreeFull) this.#refusePauses(this.#lastError);
    else this.#maybePause();
  }

  #maybePause(): void {
    const pause = this.#pauses[0];
    if (pause === undefined || this.#isPaused || this.#underWay !== undefined) return;
    if (pause.isBehindRows) {
      // Rows that come while they are carried need not be in LMDB: it would never end.
      pause.isBehindRows = false;
      this.begin();
      if (this.#underWay !== undefined) return;
    }
    this.#isPaused = true;
    this.#pauses.shift();
    pause.action(undefined, () => {
      this.#isPaused = false;
      this.#maybePause();
      this.#maybeBegin();
      this.#onEnded(undefined);
    });
  }

  #refusePauses(error: Error | undefined): void {
    for (const { action } of this.#pauses.splice(0)) action(error, () => undefined);
  }

  /** LMDB has all that the layers have, by another way than a checkpoint, up to the journal's last frame. While paused. */
  forget(): void {
    assert(this.#isPaused, 'what is under way is not forgotten');
    this.#active = new RowLayer();
    this.#activeBytes = 0;
    if (!this.#isStopped) this.#journal.release(this.#journal.position.segment);
  }

  /** Nothing more is tried. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  /**
   * The next operations of the checkpoint, in one transaction. Not a closure for each checkpoint: V8 drops what it compiled
   * for one when the closure goes, and would compile it for every checkpoint anew.
   */
  #carrySlice(): void {
    const checkpoint = this.#underWay;
    assert(checkpoint !== undefined, 'a slice is of a checkpoint');
    const { layer, places, carried, sliceOperations, through } = checkpoint;
    const slice: WriteOperation[] = [];
    for (const place of places.slice(carried, carried + sliceOperations)) slice.push(layer.at(place));
    checkpoint.carried += slice.length;
    if (checkpoint.carried === places.length)
      slice.push({ kind: 'put', key: CHECKPOINT_KEY, value: encodeCheckpoint(through) });
    this.#tree.carry(slice, this.#sliceCarried);
  }

  readonly #sliceCarried = (error: Error | undefined): void => {
    const checkpoint = this.#underWay;
    assert(checkpoint !== undefined, 'a checkpoint is under way until its last slice is carried');
    if (error !== undefined) this.#failed(checkpoint, error);
    else if (checkpoint.carried === checkpoint.places.length) this.#carried(checkpoint);
    else this.#carrySlice();
  };

  #carried({ through }: Checkpoint): void {
    this.#underWay = undefined;
    this.#isTreeFull = false;
    if (!this.#isStopped) this.#journal.release(through.segment);
    this.#maybePause();
    this.#maybeBegin();
    this.#onEnded(undefined);
  }

  #failed(checkpoint: Checkpoint, error: Error): void {
    if (error instanceof CodedError && error.code === 'disk_full' && !this.#isStopped) {
      this.#isTreeFull = true;
      checkpoint.carried = 0;
      checkpoint.sliceOperations = CAUTIOUS_SLICE_OPERATIONS;
      this.#retry = setTimeout(() => this.#carrySlice(), RETRY_AFTER_MS);
    }
    this.#lastError = error;
    this.#refusePauses(error);
    this.#onEnded(error);
  }
}

/** The rows that a node wrote: the checkpoint is the store's own. */
export function withoutCheckpoint(tree: KeyValueReader): KeyValueReader {
  return {
    get: (key) => tree.get(key),
    range: (range) =>
      range.from[0] === CHECKPOINT_KEY[0] ? otherRows(tree.range(range)) : tree.range(range),
  };
}

function* otherRows(rows: Iterable<KeyValueRow>): Generator<KeyValueRow> {
  for (const row of rows) if (row.key.length !== CHECKPOINT_KEY.length) yield row;
}

export function encodeCheckpoint(position: JournalPosition): Uint8Array {
  return seal(CHECKPOINT_KEY, encodeUtf8(JSON.stringify(position)));
}

/** Throws CodedError `record_damaged`. */
export function decodeCheckpoint(value: Uint8Array): JournalPosition {
  return JSON.parse(new TextDecoder().decode(openSealed(CHECKPOINT_KEY, value))) as JournalPosition;
}
