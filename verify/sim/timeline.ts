// Simulated time: a queue of events, each an uninterrupted step. Equal seeds give equal events and an equal
// digest.

import { assert } from '../../src/shared/assert.ts';
import type { ProcessLife, SimulatedEvent } from './process-life.ts';

export class Timeline {
  #nowMs = 0;
  #sequence = 0;
  #events = 0;
  #digest = 0;
  #current: ProcessLife | undefined;
  /** A binary heap: no event is later than the two at 2i + 1 and 2i + 2. */
  readonly #heap: SimulatedEvent[] = [];

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Number of events that have run. */
  get events(): number {
    return this.#events;
  }

  /** A 32-bit hash of all events that have run, in order. */
  get digest(): number {
    return this.#digest >>> 0;
  }

  /** The process of the latest event. */
  get current(): ProcessLife | undefined {
    return this.#current;
  }

  /** Runs `action` after `delayMs` (0 or more, may be fractional), if `life` is still alive then. */
  schedule(delayMs: number, life: ProcessLife | undefined, action: () => void): SimulatedEvent {
    assert(delayMs >= 0, 'events are scheduled at or after the present');
    return this.scheduleAt(this.#nowMs + delayMs, life, action);
  }

  /** Like `schedule`, at an exact moment: rounding could change the order. */
  scheduleAt(atMs: number, life: ProcessLife | undefined, action: () => void): SimulatedEvent {
    assert(atMs >= this.#nowMs, 'events are scheduled at or after the present');
    const event = { atMs, sequence: this.#sequence++, life, action };
    this.#push(event);
    return event;
  }

  cancel(event: SimulatedEvent): void {
    event.action = undefined;
  }

  /** Runs the events that waited for a paused process now, in order. */
  resume(life: ProcessLife): void {
    if (!life.isAlive || !life.isPaused) return;
    for (const event of life.resume()) {
      event.atMs = this.#nowMs;
      event.sequence = this.#sequence++;
      this.#push(event);
    }
  }

  /** Runs the next event. Returns false, and advances to `untilMs`, when there is none up to `untilMs`. */
  step(untilMs: number): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#pop();
      const { life, action } = event;
      if (action === undefined || life?.isAlive === false) continue;
      this.#nowMs = event.atMs;
      if (life?.isPaused === true) {
        life.defer(event);
        continue;
      }
      this.#events += 1;
      this.#current = life;
      this.note(event.sequence);
      this.note(Math.floor(event.atMs * 1_000));
      action();
      return true;
    }
  }

  /** Adds a fact to the digest: a number that distinguishes runs. */
  note(fact: number): void {
    this.#digest = Math.imul(this.#digest ^ fact, 0x01000193) ^ (this.#digest >>> 15);
  }

  #push(event: SimulatedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as SimulatedEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimulatedEvent;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= size) break;
      // `as`: both indexes are below the size, and the loop is too hot for a check.
      if (
        childAt + 1 < size &&
        isBefore(heap[childAt + 1] as SimulatedEvent, heap[childAt] as SimulatedEvent)
      )
        childAt += 1;
      const child = heap[childAt] as SimulatedEvent;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
