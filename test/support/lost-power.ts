// One file on a disk that loses power: what was flushed is there, and of what was not any part may be.

import { assert } from '../../src/shared/assert.ts';
import type { Draws } from '../../src/sim/draws.ts';
import type { DiskEvent } from './disk-recording.ts';

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

interface Pending {
  readonly id: number;
  readonly at: number;
  readonly bytes: Buffer;
  readonly isFlushed: boolean;
  hasEnded: boolean;
}

export class RecordedFile {
  #durable = Buffer.alloc(0);
  /** In the order in which they began. */
  #pending: Pending[] = [];
  /** What each flush that is under way will make durable. */
  readonly #flushes = new Map<number, readonly Pending[]>();

  /** The next thing that happened. */
  take(event: DiskEvent): void {
    switch (event.kind) {
      case 'write-begins':
        this.#pending.push({ ...event, hasEnded: false });
        return;
      case 'write-ends': {
        const write = this.#pending.find(({ id }) => id === event.id);
        assert(write !== undefined, 'what ends has begun');
        write.hasEnded = true;
        if (write.isFlushed) this.#flushed([write]);
        return;
      }
      case 'flush-begins':
        this.#flushes.set(
          event.id,
          this.#pending.filter(({ hasEnded }) => hasEnded),
        );
        return;
      case 'flush-ends':
        this.#flushed(this.#flushes.get(event.id) ?? []);
        this.#flushes.delete(event.id);
        return;
      case 'says':
        return;
    }
  }

  /** What is there when power comes back: each sector that was not flushed with probability `kept`. */
  afterLoss(draws: Draws, kept: number): Buffer {
    let image = Buffer.from(this.#durable);
    for (const { at, bytes } of this.#pending) {
      for (let from = 0; from < bytes.length; from += SECTOR_BYTES) {
        if (draws.chance(kept)) image = put(image, at + from, bytes.subarray(from, from + SECTOR_BYTES));
      }
    }
    return image;
  }

  #flushed(writes: readonly Pending[]): void {
    for (const { at, bytes } of writes) this.#durable = put(this.#durable, at, bytes);
    this.#pending = this.#pending.filter((write) => !writes.includes(write));
  }
}

/** `image` itself, or a longer copy, with `bytes` in it; a gap before them is zeros. */
function put(image: Buffer<ArrayBuffer>, at: number, bytes: Buffer): Buffer<ArrayBuffer> {
  const longer = Math.max(image.length, at + bytes.length);
  const result =
    longer === image.length ? image : Buffer.concat([image, Buffer.alloc(longer - image.length)]);
  bytes.copy(result, at);
  return result;
}
