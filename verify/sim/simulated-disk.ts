// The disk of one host: an ordered key-value space. Writes become durable late and in order, each atomically.
// It outlives the processes that open it, loses non-durable writes when one dies, and can be made to fail.
// Data beside the rows has timing but no content.

import type {
  KeyRange,
  KeyValueRow,
  WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { copyBytes } from '../../src/shared/allocate-bytes.ts';
import { assert } from '../../src/shared/assert.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { Draws } from '../kit/draws.ts';
import {
  beginEdit,
  rowAt,
  rowsBetween,
  sizeOf,
  type Version,
  withoutRow,
  withRow,
} from './persistent-map.ts';
import type { ProcessLife } from './process-life.ts';
import type { Timeline } from './timeline.ts';

/** One version of the disk. Keys are byte strings, one character per byte. */
export type DiskVersion = Version<Uint8Array>;

export interface DiskProfile {
  /** Time until a write is durable: at least `minWriteMs`, and `meanWriteMs` more on average. */
  readonly minWriteMs: number;
  readonly meanWriteMs: number;
  /** Chance that a write is visible to reads before it is durable. */
  readonly earlyVisibility: number;
}

/** Observes writes independently of the writing process. */
export interface DiskObserver {
  /**
   * Called when these operations are durable. `isAdoption` means that the rows of an image came with them.
   */
  onDurable(disk: SimulatedDisk, operations: readonly WriteOperation[], isAdoption: boolean): void;
}

const MENDED_WRITE_MS = 2;

/** The process that writes, and its callback. */
export interface WriteCall {
  readonly life: ProcessLife;
  readonly done: (error: Error | undefined) => void;
}

interface PendingWrite extends WriteCall {
  /** 1, 2, 3 … in the order of the calls. */
  readonly order: number;
  readonly operations: readonly WriteOperation[];
  readonly isAdoption: boolean;
  /** The disk after this write and all before it; meaningless for a write that fails. */
  version: DiskVersion;
  readonly error: Error | undefined;
}

/** Rows that replace those of one range, and a second range that is deleted. */
interface AdoptedRows {
  readonly range: KeyRange;
  readonly dropped: KeyRange;
  readonly rows: readonly KeyValueRow[];
}

export class SimulatedDisk {
  readonly name: string;
  readonly #timeline: Timeline;
  readonly #draws: Draws;
  #profile: DiskProfile;
  readonly #observer: DiskObserver;
  #durable: DiskVersion;
  /** The version that reads see: the durable one or a later one. */
  #visible: DiskVersion;
  #visibleOrder = 0;
  #newest: DiskVersion;
  #lastOrder = 0;
  /** Oldest first. */
  #pending: PendingWrite[] = [];
  /** Writes beside the rows that are in progress; they have no order. */
  #besides = 0;
  #isWriting = false;
  #stalledUntilMs = 0;
  /** Writes find no room. */
  isFull = false;
  /** The next write fails permanently. */
  isBroken = false;

  constructor(
    name: string,
    world: { timeline: Timeline; draws: Draws; profile: DiskProfile; observer: DiskObserver },
  ) {
    this.name = name;
    this.#timeline = world.timeline;
    this.#draws = world.draws;
    this.#profile = world.profile;
    this.#observer = world.observer;
  }

  get durable(): DiskVersion {
    return this.#durable;
  }

  get visible(): DiskVersion {
    return this.#visible;
  }

  get pendingWrites(): number {
    return this.#pending.length + this.#besides;
  }

  write(operations: readonly WriteOperation[], call: WriteCall): void {
    this.#add({ operations, isAdoption: false }, call, (version) => apply(version, operations));
  }

  /** Replaces one range by the rows of an image, deletes another, and applies `operations`, in one write. */
  adopt(adopted: AdoptedRows, operations: readonly WriteOperation[], call: WriteCall): void {
    const all = [...deletesIn(this.#newest, adopted.dropped), ...operations];
    this.#add({ operations: all, isAdoption: true }, call, (version) =>
      withAdopted(apply(version, all), adopted),
    );
  }

  #add(
    write: Pick<PendingWrite, 'operations' | 'isAdoption'>,
    call: WriteCall,
    change: (version: DiskVersion) => DiskVersion,
  ): void {
    const error = this.#nextError();
    if (error === undefined) this.#newest = change(this.#newest);
    const order = ++this.#lastOrder;
    this.#pending.push({ ...call, ...write, order, version: this.#newest, error });
    if (this.#draws.chance(this.#profile.earlyVisibility)) {
      this.#visible = this.#newest;
      this.#visibleOrder = order;
    }
    this.#next();
  }

  /** Writes data that is no row and is gone after a crash. */
  writeBeside({ life, done }: WriteCall): void {
    const error = this.#nextError();
    this.#besides += 1;
    const end = (): void => {
      if (this.isStalled) {
        this.#timeline.schedule(this.#nextWriteMs(), undefined, end);
        return;
      }
      this.#besides -= 1;
      this.#timeline.schedule(0, life, () => done(error));
    };
    this.#timeline.schedule(this.#nextWriteMs(), undefined, end);
  }

  /** Delays all writes, also those in progress. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#timeline.nowMs + durationMs);
  }

  get isStalled(): boolean {
    return this.#stalledUntilMs > this.#timeline.nowMs;
  }

  /** Ends all faults. Flipped bits and lost rows stay. */
  mend(): void {
    this.#stalledUntilMs = 0;
    this.isFull = false;
    this.isBroken = false;
    this.#profile = { ...this.#profile, meanWriteMs: Math.min(this.#profile.meanWriteMs, MENDED_WRITE_MS) };
  }

  /** Called when the process dies: a prefix of its last writes is kept, the rest is lost. */
  crash(): void {
    const kept = this.#draws.below(this.#pending.length + 1);
    for (const write of this.#pending.slice(0, kept)) this.#becomeDurable(write);
    this.#pending = [];
    this.#newest = this.#durable;
    this.#visible = this.#durable;
    this.#visibleOrder = 0;
  }

  /** Empties the disk, or replaces its content by `version`, an old copy. */
  replace(version: DiskVersion): void {
    assert(this.#pending.length === 0, 'a disk is replaced while no process writes to it');
    this.#durable = version;
    this.#newest = version;
    this.#visible = version;
    this.isFull = false;
    this.isBroken = false;
  }

  /** Flips one bit of one stored value. Returns the row's key; undefined when there is no row. */
  flipBit(): string | undefined {
    const row = rowAt(this.#durable, this.#draws.below(Math.max(1, sizeOf(this.#durable))));
    if (row === undefined || row.value.length === 0) return undefined;
    const damaged = row.value.slice();
    const at = this.#draws.below(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << this.#draws.below(8));
    const damage: WriteOperation[] = [{ kind: 'put', key: bytesOf(row.key), value: damaged }];
    this.#applyEverywhere(damage);
    return row.key;
  }

  #applyEverywhere(operations: readonly WriteOperation[]): void {
    this.#durable = apply(this.#durable, operations);
    this.#newest = apply(this.#newest, operations);
    this.#visible = apply(this.#visible, operations);
    for (const write of this.#pending) write.version = apply(write.version, operations);
  }

  #nextError(): Error | undefined {
    if (this.isBroken) {
      this.isBroken = false;
      return new CodedError('storage_failed', 'the simulated disk failed to flush');
    }
    return this.isFull ? new CodedError('disk_full', 'the simulated disk is full') : undefined;
  }

  /** Makes writes durable one after the other. */
  #next(): void {
    const write = this.#pending[0];
    if (write === undefined || this.#isWriting) return;
    this.#isWriting = true;
    this.#timeline.schedule(this.#nextWriteMs(), undefined, () => this.#ended(write));
  }

  #nextWriteMs(): number {
    const { minWriteMs, meanWriteMs } = this.#profile;
    const stallMs = Math.max(0, this.#stalledUntilMs - this.#timeline.nowMs);
    return stallMs + minWriteMs + this.#draws.exponential(meanWriteMs);
  }

  #ended(write: PendingWrite): void {
    this.#isWriting = false;
    // A crash dropped it.
    const isDropped = this.#pending[0] !== write;
    if (!isDropped && !this.isStalled) {
      this.#pending.shift();
      this.#becomeDurable(write);
      this.#timeline.schedule(0, write.life, () => write.done(write.error));
    }
    this.#next();
  }

  #becomeDurable(write: PendingWrite): void {
    if (write.error !== undefined) return;
    this.#durable = write.version;
    // Durable writes are always visible; a write that was visible before stays so.
    if (write.order >= this.#visibleOrder) this.#visible = write.version;
    this.#observer.onDurable(this, write.operations, write.isAdoption);
  }
}

function apply(version: DiskVersion, operations: readonly WriteOperation[]): DiskVersion {
  const edit = beginEdit();
  let next = version;
  for (const operation of operations) {
    const key = keyOf(operation.key);
    // The caller may reuse its buffers: the disk keeps its own bytes.
    next =
      operation.kind === 'put'
        ? withRow(next, key, copyBytes(operation.value), edit)
        : withoutRow(next, key, edit);
  }
  return next;
}

function deletesIn(version: DiskVersion, { from, to }: KeyRange): WriteOperation[] {
  return Array.from(rowsBetween(version, { from: keyOf(from), to: keyOf(to) }), ({ key }) => {
    return { kind: 'delete', key: bytesOf(key) };
  });
}

function withAdopted(version: DiskVersion, { range, rows }: AdoptedRows): DiskVersion {
  const edit = beginEdit();
  const [from, to] = [keyOf(range.from), keyOf(range.to)];
  const isInside = (key: string): boolean => key >= from && key < to;
  let next = version;
  for (const row of [...rowsBetween(version, { from, to, reverse: false })])
    next = withoutRow(next, row.key, edit);
  for (const { key, value } of rows) {
    const name = keyOf(key);
    if (isInside(name)) next = withRow(next, name, copyBytes(value), edit);
  }
  return next;
}

/** Returns a string that sorts like the bytes. */
export function keyOf(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

export function bytesOf(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let at = 0; at < key.length; at += 1) bytes[at] = key.charCodeAt(at);
  return bytes;
}
