// Holds the rows that are in the journal but not in LMDB yet, and writes them to LMDB. The active layer takes
// new rows; a checkpoint writes a full layer in slices of one transaction each. The last slice also records
// the layer's last frame. Then the segments of its frames are free.
//
// Writing a layer twice or in part is harmless: after a crash the journal is read from the last complete
// checkpoint on, and the last write to a key wins.

import { assert } from '../../../../shared/assert.ts';
import { openSealed, sealText } from '../../codec/sealed-record.ts';
import {
  type KeyValueReader,
  type KeyValueRow,
  MAX_KEY_BYTES,
  type WriteOperation,
} from '../../node/ports/key-value-store.ts';
import type { LmdbStore } from '../lmdb/lmdb-store.ts';
import { isDiskFull } from '../storage-errors.ts';
import type { Journal, JournalPosition } from './journal.ts';
import { LayeredReader, RowLayer } from './row-layer.ts';

/**
 * The key of the checkpoint row in LMDB: longer than the keys of a node, and before all of them. LMDB leaves
 * pages full only where rows are added at the very end of its tree, and that place is for the jobs.
 */
const CHECKPOINT_KEY = new Uint8Array(MAX_KEY_BYTES + 1);

/**
 * Bounds the operations of one transaction, which takes some milliseconds of the event loop. Each may touch a
 * page of its own, and the system maps sixteen pages at a time, which count as memory until the file is
 * mapped anew.
 */
const SLICE_OPERATIONS = 800;
/** The same on a full disk, where each operation may need another page until the transaction is done. */
const CAUTIOUS_SLICE_OPERATIONS = 100;
/** This many full segments begin a checkpoint, however few rows they have. */
const CHECKPOINT_SEGMENTS = 2;
/** Rows or frames that wait for LMDB may be this many times what begins a checkpoint. */
export const MAX_HELD_CHECKPOINTS = 4;
/** An upper estimate of LMDB's bytes for a byte of rows. */
const TREE_BYTES_PER_BYTE = 2;
/** The pause before a checkpoint that found the disk full is tried again. */
const RETRY_AFTER_MS = 200;

/** The sizes of journal and checkpoints. Tests make them tiny. */
export interface JournalLimits {
  /** The size of one file; there are a handful. */
  readonly segmentBytes: number;
  /** Rows in memory that begin a checkpoint. */
  readonly checkpointBytes: number;
}

/** An action that runs between two checkpoints; none begins until it calls `resume`. */
interface Pause {
  /** Whether the rows that are in a layer now must be in LMDB first. */
  isAfterRows: boolean;
  readonly action: (error: Error | undefined, resume: () => void) => void;
}

interface Checkpoint {
  readonly layer: RowLayer;
  /** The last frame whose rows are in the layer. */
  readonly through: JournalPosition;
  /** The places of the layer's operations, in the order of keys. */
  readonly places: readonly number[];
  /** How many of them LMDB has, including the transaction under way. */
  written: number;
  sliceOperations: number;
}

interface CheckpointsParts {
  readonly tree: LmdbStore;
  readonly journal: Journal;
  readonly limits: JournalLimits;
}

export class Checkpoints {
  readonly #tree: LmdbStore;
  readonly #journal: Journal;
  readonly #checkpointBytes: number;
  readonly #journalBytes: number;
  readonly #onEnd: (error: Error | undefined) => void;
  #active = new RowLayer();
  #underWay: Checkpoint | undefined;
  /** The checkpoint under way found the disk full, and waits to be tried again. */
  #fullDisk: Error | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #pauses: Pause[] = [];
  #isPaused = false;
  #isStopped = false;

  /** Calls `onEnd` after every checkpoint, every failed attempt and every pause. */
  constructor({ tree, journal, limits }: CheckpointsParts, onEnd: (error: Error | undefined) => void) {
    this.#tree = tree;
    this.#journal = journal;
    this.#checkpointBytes = limits.checkpointBytes;
    this.#journalBytes = CHECKPOINT_SEGMENTS * limits.segmentBytes;
    this.#onEnd = onEnd;
  }

  /** Returns a reader of the rows in the layers and in LMDB, without the checkpoint row. */
  reader(): KeyValueReader {
    const underWay = this.#underWay?.layer;
    const layers = underWay === undefined ? [this.#active] : [this.#active, underWay];
    return new LayeredReader(layers, withoutCheckpoint(this.#tree));
  }

  get heldBytes(): number {
    return this.#active.bytes + (this.#underWay?.layer.bytes ?? 0);
  }

  /** The space that the layers will need in LMDB, and the journal until they are there. */
  get claimedBytes(): number {
    return TREE_BYTES_PER_BYTE * this.heldBytes + this.#journalBytes;
  }

  /** True when so much waits for LMDB that no more writes should be taken. */
  get isHolding(): boolean {
    return this.#underWay !== undefined && this.#hasReached(MAX_HELD_CHECKPOINTS);
  }

  /** Returns whether there are the rows, or the frames, of so many checkpoints. */
  #hasReached(checkpoints: number): boolean {
    return (
      this.#active.bytes >= checkpoints * this.#checkpointBytes ||
      this.#journal.neededBytes >= checkpoints * this.#journalBytes
    );
  }

  get isTreeFull(): boolean {
    return this.#fullDisk !== undefined;
  }

  /** True when every row is in LMDB. */
  get isEmpty(): boolean {
    return this.#underWay === undefined && this.#active.isEmpty;
  }

  /**
   * Adds the operations of whole frames, up to the journal's last one: a checkpoint must not leave a part of
   * one out.
   */
  hold(operations: readonly WriteOperation[]): void {
    this.#active.add(operations);
    this.#maybeBegin();
  }

  #maybeBegin(): void {
    if (this.#hasReached(1)) this.begin();
  }

  /** Begins a checkpoint, unless one is under way, they are paused or stopped, or there are no rows. */
  begin(): void {
    if (this.#underWay !== undefined || this.#isPaused || this.#active.isEmpty || this.#isStopped) return;
    const checkpoint = {
      layer: this.#active,
      through: this.#journal.position,
      places: this.#active.places(),
      written: 0,
      sliceOperations: SLICE_OPERATIONS,
    };
    this.#underWay = checkpoint;
    this.#active = new RowLayer();
    this.#writeSlice(checkpoint);
  }

  /**
   * Calls `action` when no checkpoint is under way, maybe inside the call; none begins until it calls
   * `resume`. With `isAfterRows`, LMDB has every row by then that was in the journal at this call. On a full
   * disk the action gets an error.
   */
  pause({ isAfterRows }: { isAfterRows: boolean }, action: Pause['action']): void {
    this.#pauses.push({ isAfterRows, action });
    if (this.#fullDisk !== undefined) this.#refusePauses(this.#fullDisk);
    else this.#maybePause();
  }

  #maybePause(): void {
    const pause = this.#pauses[0];
    if (pause === undefined || this.#isPaused || this.#underWay !== undefined) return;
    if (pause.isAfterRows) {
      // Rows that come during this checkpoint need not be in LMDB, or the pause might never begin.
      pause.isAfterRows = false;
      this.begin();
      if (this.#underWay !== undefined) return;
    }
    this.#isPaused = true;
    this.#pauses.shift();
    pause.action(undefined, () => {
      this.#isPaused = false;
      this.#goOn();
    });
  }

  #refusePauses(error: Error): void {
    for (const { action } of this.#pauses.splice(0)) action(error, () => undefined);
  }

  /** Begins what waited for the end of a checkpoint or of a pause. */
  #goOn(): void {
    this.#maybePause();
    this.#maybeBegin();
    this.#onEnd(undefined);
  }

  /** Drops all rows during a pause: LMDB got them by an adopted image, up to the journal's last frame. */
  forget(): void {
    assert(this.#isPaused, 'rows are dropped only during a pause');
    this.#active = new RowLayer();
    this.#release(this.#journal.position);
  }

  #release({ segment }: JournalPosition): void {
    if (!this.#isStopped) this.#journal.release(segment);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  /** Writes the next operations of the checkpoint in one transaction. */
  #writeSlice(checkpoint: Checkpoint): void {
    const { layer, places, written, sliceOperations, through } = checkpoint;
    const slice = places.slice(written, written + sliceOperations).map((place) => layer.at(place));
    checkpoint.written += slice.length;
    const isLast = checkpoint.written === places.length;
    if (isLast) slice.push(checkpointRow(through));
    this.#tree.writeAccepted(slice, (error) => {
      if (error !== undefined) this.#onFailure(checkpoint, error);
      else if (isLast) this.#onWritten(checkpoint);
      else this.#writeSlice(checkpoint);
    });
  }

  #onWritten({ through }: Checkpoint): void {
    this.#underWay = undefined;
    this.#fullDisk = undefined;
    this.#release(through);
    this.#goOn();
  }

  #onFailure(checkpoint: Checkpoint, error: Error): void {
    this.#fullDisk = isDiskFull(error) ? error : undefined;
    if (this.isTreeFull && !this.#isStopped) {
      checkpoint.written = 0;
      checkpoint.sliceOperations = CAUTIOUS_SLICE_OPERATIONS;
      this.#retry = setTimeout(() => this.#writeSlice(checkpoint), RETRY_AFTER_MS);
    }
    this.#refusePauses(error);
    this.#onEnd(error);
  }
}

/** Returns a reader that hides the checkpoint row, which is the store's own. */
function withoutCheckpoint(tree: KeyValueReader): KeyValueReader {
  return {
    get: (key) => tree.get(key),
    range: (range) =>
      range.from[0] === CHECKPOINT_KEY[0] ? otherRows(tree.range(range)) : tree.range(range),
  };
}

function* otherRows(rows: Iterable<KeyValueRow>): Generator<KeyValueRow> {
  for (const row of rows) if (row.key.length !== CHECKPOINT_KEY.length) yield row;
}

/** Returns the operation that records the journal's position in LMDB. */
export function checkpointRow(position: JournalPosition): WriteOperation {
  return { kind: 'put', key: CHECKPOINT_KEY, value: sealText(CHECKPOINT_KEY, JSON.stringify(position)) };
}

/** Returns the position that the checkpoint row in LMDB has. Throws CodedError `record_damaged`. */
export function lastCheckpoint(tree: KeyValueReader): JournalPosition | undefined {
  const value = tree.get(CHECKPOINT_KEY);
  return value && JSON.parse(new TextDecoder().decode(openSealed(CHECKPOINT_KEY, value)));
}
