// The rows of the replicated state: the store's rows under an overlay of changes that are not durable yet.
//
//   reads   the active overlay, then the frozen one, then the store's rows, some of which are cached
//   writes  go to the active overlay; `addWrites` freezes it while its disk write is under way
//
// A crash loses the overlays. The log has the commands that made them.

import { assert } from '../../../../shared/assert.ts';
import { compareUtf8 } from '../../../../shared/utf8-order.ts';
import { collectionOf, type Json, type RangeOptions, type StateView } from '../../../../state/state-view.ts';
import { openSealed, sealText } from '../../codec/sealed-record.ts';
import type { KeyRange, KeyValueReader, KeyValueRow, WriteOperation } from '../ports/key-value-store.ts';
import { ALL_STATE, farmKeyOf, generationOf, justAfter, stateKey, stateRange } from './state-keys.ts';
import { DELETED, type OverlayRow, StateOverlay } from './state-overlay.ts';

/** Bound on the cached rows; the oldest goes first. Some rows are read all the time, such as a busy spool. */
const MAX_CACHED_ROWS = 4_096;
/** Bound on a cached row, as stored, so that all of them take some megabytes. */
const MAX_CACHED_ROW_BYTES = 1_024;

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads throw CodedError `record_damaged` when a row does not match its checksum. The node must stop then.
 */
export class StateStore implements StateView {
  readonly #store: KeyValueReader;
  #generation: number;
  /** True after a scan found no row of another generation, until an image replaces the rows. */
  #isClean = false;
  #active = new StateOverlay();
  /** Present while its write is under way. */
  #frozen: StateOverlay | undefined;
  /** Rows of the store that no overlay hides, undefined where it has none. A row that is written leaves. */
  readonly #cache = new Map<string, Json | undefined>();
  /** Counts changes that may affect which keys the overlays hold. */
  #overlayChanges = 0;
  /** Counts the writes of each collection, and below the times that all rows were replaced. */
  readonly #writes = new Map<string, number>();
  #switches = 0;

  /** `generation` is the applied record's. Rows of other generations are not part of the state. */
  constructor(store: KeyValueReader, generation: number) {
    this.#store = store;
    this.#generation = generation;
  }

  get generation(): number {
    return this.#generation;
  }

  /** About how much memory the overlays take. The owner flushes when it is much. */
  get overlayBytes(): number {
    return this.#active.bytes + (this.#frozen?.bytes ?? 0);
  }

  get(key: string): Json | undefined {
    const row = this.#overlaid(key);
    if (row !== undefined) return putValue(row);
    if (this.#cache.has(key)) return this.#cache.get(key);
    const stored = this.#read(key);
    if ((stored?.bytes ?? 0) <= MAX_CACHED_ROW_BYTES) this.#cache.set(key, stored?.value);
    if (this.#cache.size > MAX_CACHED_ROWS) this.#dropOldest();
    return stored?.value;
  }

  #dropOldest(): void {
    const [oldest] = this.#cache.keys();
    if (oldest !== undefined) this.#cache.delete(oldest);
  }

  getOnce(key: string): Json | undefined {
    const row = this.#overlaid(key);
    return row === undefined ? this.#read(key)?.value : putValue(row);
  }

  #overlaid(key: string): OverlayRow | undefined {
    const row = this.#active.get(key);
    return row === undefined ? this.#frozen?.get(key) : row;
  }

  #read(key: string): { readonly value: Json; readonly bytes: number } | undefined {
    const storeKey = stateKey(this.#generation, key);
    const stored = this.#store.get(storeKey);
    return stored && { value: openRow(storeKey, stored), bytes: stored.length };
  }

  version(prefix: string): number {
    return (this.#writes.get(prefix) ?? 0) + this.#switches;
  }

  put(key: string, value: Json): void {
    this.#noteChange(key);
    this.#active.set(key, value);
  }

  delete(key: string): void {
    this.#noteChange(key);
    this.#active.set(key, DELETED);
  }

  #noteChange(key: string): void {
    this.#overlayChanges += 1;
    this.#cache.delete(key);
    const collection = collectionOf(key);
    this.#writes.set(collection, (this.#writes.get(collection) ?? 0) + 1);
  }

  /** Rows may change during the iteration. Those ahead of it are seen as they are when it reaches them. */
  *range(options: RangeOptions): Generator<readonly [key: string, value: Json]> {
    const stored = this.#store.range(this.#storedRange(options))[Symbol.iterator]();
    try {
      let head = nextStored(stored);
      let overlaid = this.#nextOverlaid(options);
      let seen = this.#overlayChanges;
      for (;;) {
        const order = compareHeads(overlaid, head?.key);
        if (order === undefined) return;
        const key = (order <= 0 ? overlaid : head?.key) as string;
        const value = order <= 0 ? putValue(this.#overlaid(key)) : head?.value();
        if (order >= 0) head = nextStored(stored);
        if (value !== undefined) yield [key, value];
        if (order > 0 && this.#overlayChanges === seen) continue;
        seen = this.#overlayChanges;
        overlaid = this.#nextOverlaid({ ...options, after: key });
      }
    } finally {
      stored.return?.();
    }
  }

  // -------------------------------------------------------------- flushing

  /** Adds every change that the store lacks to `operations`. Call `onWritesDurable` before the next call. */
  addWrites(operations: WriteOperation[]): void {
    assert(this.#frozen === undefined, 'the writes that were taken before are still under way');
    this.#frozen = this.#active;
    this.#active = new StateOverlay();
    for (const [key, row] of this.#frozen.entries()) operations.push(this.#toOperation(key, row));
  }

  /** The writes that were taken are in the store, and its reads see them. */
  onWritesDurable(): void {
    this.#overlayChanges += 1;
    this.#frozen = undefined;
  }

  #toOperation(key: string, row: OverlayRow): WriteOperation {
    const storeKey = stateKey(this.#generation, key);
    if (row === DELETED) return { kind: 'delete', key: storeKey };
    return { kind: 'put', key: storeKey, value: sealText(storeKey, JSON.stringify(row)) };
  }

  // -------------------------------------------------------------- generations

  /** An image replaced all rows of the store. Those of `generation` are the state from now on. */
  onReplaced(generation: number): void {
    this.#generation = generation;
    this.#isClean = false;
    this.#active = new StateOverlay();
    this.#frozen = undefined;
    this.#overlayChanges += 1;
    this.#cache.clear();
    this.#switches += 1;
  }

  /**
   * Returns deletes of up to `maxRows` rows of other generations, which this node or the image's sender
   * abandoned. They must not be written behind an adoption: the image's generation may be garbage now.
   */
  nextGarbage(maxRows: number): WriteOperation[] {
    if (this.#isClean) return [];
    const operations: WriteOperation[] = [];
    const { from, to } = stateRange(this.#generation);
    for (const range of [
      { from: ALL_STATE.from, to: from },
      { from: to, to: ALL_STATE.to },
    ]) {
      for (const { key } of this.#store.range(range)) {
        if (operations.length === maxRows) return operations;
        operations.push({ kind: 'delete', key });
      }
    }
    this.#isClean = operations.length === 0;
    return operations;
  }

  // -------------------------------------------------------------- merging

  #storedRange({ prefix, after }: RangeOptions): KeyRange {
    const range = stateRange(this.#generation, prefix);
    if (after === undefined || compareUtf8(after, prefix) < 0) return range;
    return { from: justAfter(stateKey(this.#generation, after)), to: range.to };
  }

  #nextOverlaid(range: RangeOptions): string | undefined {
    const active = this.#active.nextKey(range);
    const frozen = this.#frozen?.nextKey(range);
    if (active === undefined || frozen === undefined) return active ?? frozen;
    return compareUtf8(active, frozen) <= 0 ? active : frozen;
  }
}

/** Returns undefined when there is no row, and when the row hides the store's. */
function putValue(row: OverlayRow | undefined): Json | undefined {
  return row === DELETED ? undefined : row;
}

/** Returns a generation above that of every row. */
export function unusedGeneration(store: KeyValueReader): number {
  for (const { key } of store.range({ ...ALL_STATE, reverse: true })) return generationOf(key) + 1;
  return 1;
}

/** `value` decodes the row. It is only called when no overlay hides the row. */
function nextStored(rows: Iterator<KeyValueRow>): { key: string; value(): Json } | undefined {
  const next = rows.next();
  if (next.done === true) return undefined;
  const { key, value } = next.value;
  return { key: textDecoder.decode(farmKeyOf(key)), value: () => openRow(key, value) };
}

/**
 * Compares two heads: negative when the overlay's comes first, positive when the store's does, 0 for the same
 * key. Undefined when there are none.
 */
function compareHeads(overlaid: string | undefined, stored: string | undefined): number | undefined {
  if (overlaid === undefined) return stored === undefined ? undefined : 1;
  return stored === undefined ? -1 : compareUtf8(overlaid, stored);
}

/** The seal covers the generation too: damage that moves a row to another generation must be noticed. */
function openRow(storeKey: Uint8Array, value: Uint8Array): Json {
  return JSON.parse(textDecoder.decode(openSealed(storeKey, value))) as Json;
}
