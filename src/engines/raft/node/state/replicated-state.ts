// The replicated state of one node: applies commands, and gives the operations that bring it to disk. The
// engine that drives it does the disk writes, and decides how commands are agreed.

import { assert, present } from '../../../../shared/assert.ts';
import { AdvanceListeners } from '../../../advance-listeners.ts';
import { type Position, type StateMachine, toPosition } from '../../../engine.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyValueReader, WriteOperation } from '../ports/key-value-store.ts';
import { StateStore } from './state-store.ts';

/** The last command in a state. An engine adds what it needs to continue from there. */
export interface AppliedPoint {
  readonly index: number;
}

/** The point of the state on disk, and the generation of its rows. */
export type AppliedAt<Point extends AppliedPoint> = Point & { readonly generation: number };

interface ReplicatedStateParts<Point extends AppliedPoint> {
  readonly store: KeyValueReader;
  readonly clock: Clock;
  readonly stateMachine: StateMachine;
  readonly limits: { readonly flushStateAfterMs: number; readonly flushStateBytes: number };
  /** Makes the write of the applied record. It goes into the same write as the rows (trap 24). */
  putApplied(applied: AppliedAt<Point>): WriteOperation;
}

export class ReplicatedState<Point extends AppliedPoint> {
  /** The rows, as reads and commands see them. */
  readonly rows: StateStore;
  readonly #parts: ReplicatedStateParts<Point>;
  /** The last command that the rows hold. */
  #point: Point;
  /** The last command that the rows on disk hold. */
  #durablePoint: Point;
  /** The point of the flush that is under way. */
  #flushing: Point | undefined;
  /** When the rows first changed since the last flush began. */
  #changedAt: number | undefined;
  /** Set while an image waits to replace the rows. */
  #adopting: AppliedAt<Point> | undefined;
  readonly #listeners = new AdvanceListeners();
  /** The index that the listeners were last told. */
  #announcedIndex: number;

  constructor(parts: ReplicatedStateParts<Point>, applied: AppliedAt<Point>) {
    this.#parts = parts;
    this.rows = new StateStore(parts.store, applied.generation);
    this.#point = applied;
    this.#durablePoint = applied;
    this.#announcedIndex = applied.index;
  }

  get point(): Point {
    return this.#point;
  }

  get position(): Position {
    return toPosition(this.#point.index);
  }

  get durableIndex(): number {
    return this.#durablePoint.index;
  }

  // -------------------------------------------------------------- applying

  /** Moves to the next point. If a command stands there, `applyCommand` follows. */
  advance(point: Point): void {
    this.#point = point;
    this.#changedAt ??= this.#parts.clock.now();
  }

  /** Applies the command of the current point, and returns its result. */
  applyCommand(command: Uint8Array): unknown {
    return this.#parts.stateMachine.apply(this.rows, command, this.position);
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Tells the listeners if the state advanced since the last call. */
  announceAdvance(): void {
    if (this.#point.index === this.#announcedIndex) return;
    this.#announcedIndex = this.#point.index;
    this.#listeners.notify(this.position);
  }

  // -------------------------------------------------------------- flushing

  /**
   * True when changes are old or large enough to be written. A row that changes often is written once for
   * many changes.
   */
  get isFlushDue(): boolean {
    if (this.#changedAt === undefined) return false;
    const { clock, limits } = this.#parts;
    const ageMs = clock.now() - this.#changedAt;
    return ageMs >= limits.flushStateAfterMs || this.rows.overlayBytes >= limits.flushStateBytes;
  }

  /** False while another flush or an adoption is under way, and when the disk lacks nothing. */
  get canFlush(): boolean {
    if (this.#flushing !== undefined || this.#adopting !== undefined) return false;
    return this.#point.index !== this.#durablePoint.index;
  }

  /** Adds all that the disk lacks to `operations`. Call `onFlushed` when they are durable. */
  addFlush(operations: WriteOperation[]): void {
    assert(this.canFlush, 'one flush is under way at a time');
    this.#flushing = this.#point;
    this.#changedAt = undefined;
    this.rows.addWrites(operations);
    operations.push(this.#parts.putApplied({ ...this.#point, generation: this.rows.generation }));
  }

  /** The operations of the last flush are durable. */
  onFlushed(): void {
    this.#durablePoint = present(this.#flushing, 'a flush was begun');
    this.#flushing = undefined;
    this.rows.onWritesDurable();
  }

  // -------------------------------------------------------------- images

  get isAdopting(): boolean {
    return this.#adopting !== undefined;
  }

  /** An image with this applied record is about to replace the rows. Until it has, nothing is flushed. */
  beginAdoption(applied: AppliedAt<Point>): void {
    this.#adopting = applied;
  }

  /** Adds the applied record to the write that adopts the image. */
  addAdoption(operations: WriteOperation[]): void {
    operations.push(this.#parts.putApplied(present(this.#adopting, 'an adoption was begun')));
  }

  /** The image's rows are the state from now on. */
  onAdopted(): void {
    const applied = present(this.#adopting, 'an adoption was begun');
    this.#adopting = undefined;
    this.#flushing = undefined;
    this.#changedAt = undefined;
    this.#point = applied;
    this.#durablePoint = applied;
    this.rows.onReplaced(applied.generation);
  }
}
