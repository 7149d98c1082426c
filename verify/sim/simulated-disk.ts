// One host's disk: an ordered key-value space whose writes become durable late, in order, each whole or not at all. What
// is written beside it is of no account.
// It outlives the processes that open it, loses what was not durable when one dies, and can be made to misbehave.

import type {
  KeyRange,
  KeyValueRow,
  WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { copyBytes } from '../../src/shared/allocate-bytes.ts';
import { assert } from '../../src/shared/assert.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { Draws } from './draws.ts';
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

/** What one version of the disk holds. Keys are byte strings, one character a byte. */
export type DiskVersion = Version<Uint8Array>;

export interface DiskProfile {
  /** How long a write takes to become durable. */
  readonly minWriteMs: number;
  readonly meanWriteMs: number;
  /** A write is seen by reads at once with this probability, otherwise when it is durable. */
  readonly earlyVisibility: number;
}

/** Sees what is written, apart from the process that writes. */
export interface DiskObserver {
  /** These operations are durable now, after all that were so before; `isAdoption`: an image's rows with them. */
  onDurable(disk: SimulatedDisk, operations: readonly WriteOperation[], isAdoption: boolean): void;
}

const MENDED_WRITE_MS = 2;

/** Who writes, and hears how that ended. */
export interface WriteCall {
  readonly life: ProcessLife;
  readonly done: (error: Error | undefined) => void;
}

interface PendingWrite extends WriteCall {
  /** 1, 2, 3 … in the order of the calls. */
  readonly order: number;
  readonly operations: readonly WriteOperation[];
  readonly isAdoption: boolean;
  /** The disk with this write and all before it; meaningless for a write that fails. */
  version: DiskVersion;
  readonly error: Error | undefined;
}

/** Rows that take the place of those in a range, and a range of which the rows go. */
export interface AdoptedRows {
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
  /** What reads see: the durable version, or one a little ahead of it. */
  #visible: DiskVersion;
  #visibleOrder = 0;
  #newest: DiskVersion;
  #lastOrder = 0;
  /** Oldest first. */
  #pending: PendingWrite[] = [];
  /** Pieces of something beside the rows, in no order. */
  #besides = 0;
  #isWriting = false;
  #stalledUntilMs = 0;
  /** Writes find no room. */
  isFull = false;
  /** The next write fails for good. */
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

  /** Makes rows in a range those of an image, drops others, and does `operations` to the rest, in one write. */
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

  /** A piece of something that is no row yet, and is nothing after a crash. */
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

  /** Nothing becomes durable for so long; what is under way waits too. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#timeline.nowMs + durationMs);
  }

  get isStalled(): boolean {
    return this.#stalledUntilMs > this.#timeline.nowMs;
  }

  /** Works as a disk should from now on. What was turned or lost stays so. */
  mend(): void {
    this.#stalledUntilMs = 0;
    this.isFull = false;
    this.isBroken = false;
    this.#profile = { ...this.#profile, meanWriteMs: Math.min(this.#profile.meanWriteMs, MENDED_WRITE_MS) };
  }

  /** The process is gone: of what it wrote last some first part is there, the rest is not. */
  crash(): void {
    const kept = this.#draws.below(this.#pending.length + 1);
    for (const write of this.#pending.slice(0, kept)) this.#becomeDurable(write);
    this.#pending = [];
    this.#newest = this.#durable;
    this.#visible = this.#durable;
    this.#visibleOrder = 0;
  }

  /** Everything is gone, or replaced by `version`: an old copy of some disk. */
  replace(version: DiskVersion): void {
    assert(this.#pending.length === 0, 'nobody writes to a disk that is replaced');
    this.#durable = version;
    this.#newest = version;
    this.#visible = version;
    this.isFull = false;
    this.isBroken = false;
  }

  /** Turns one bit of one value that is at rest. The key of the row, or undefined when there is none. */
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

  /** One write after the other becomes durable. */
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
    // By a crash.
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
    // What is durable is always seen; what was seen before it was durable stays so.
    if (write.order >= this.#visibleOrder) this.#visible = write.version;
    this.#observer.onDurable(this, write.operations, write.isAdoption);
  }
}

function apply(version: DiskVersion, operations: readonly WriteOperation[]): DiskVersion {
  const edit = beginEdit();
  let next = version;
  for (const operation of operations) {
    const key = keyOf(operation.key);
    // The caller may use its buffers again: the disk has bytes of its own.
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

/** Bytes as a string whose order is theirs. */
export function keyOf(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

export function bytesOf(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let at = 0; at < key.length; at += 1) bytes[at] = key.charCodeAt(at);
  return bytes;
}
