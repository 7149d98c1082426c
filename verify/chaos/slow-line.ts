// One direction of a proxied connection. On a bad link data is late. A loss has the effect that it has on
// TCP: a stall until the retransmission, or now and then the end of the connection.

import type net from 'node:net';
import type { Draws } from '../kit/draws.ts';
import type { LinkQuality } from './network.ts';

/** The shortest retransmission time of Linux. It doubles with each loss. */
const RETRANSMISSION_MS = 200;
const MAX_RETRANSMISSIONS = 6;
/** The share of losses that end the connection. */
const ABORT_CHANCE = 0.02;
/** The bound of held data: beyond it the sender has to wait. */
const MAX_HELD_BYTES = 1024 * 1024;

interface SlowLineOptions {
  readonly source: net.Socket;
  readonly sink: net.Socket;
  readonly draws: Draws;
  /** Counts losses and delays. */
  readonly damage: { lost: number; late: number };
  /** Undefined while the link is good. */
  quality(): LinkQuality | undefined;
  /** Called when the line has room again: the source may resume, unless the link is cut. */
  onRoom(): void;
}

export class SlowLine {
  readonly #options: SlowLineOptions;
  #heldBytes = 0;
  /** The due time of the last chunk: no chunk overtakes an earlier one. */
  #lastDue = 0;

  constructor(options: SlowLineOptions) {
    this.#options = options;
    options.source.on('data', (chunk: Buffer) => this.#carry(chunk));
  }

  /** Whether the source must stay paused. */
  get isFull(): boolean {
    return this.#heldBytes >= MAX_HELD_BYTES || this.#options.sink.writableNeedDrain;
  }

  #carry(chunk: Buffer): void {
    const { source, sink } = this.#options;
    const quality = this.#options.quality();
    const now = performance.now();
    if (quality === undefined && this.#lastDue <= now) {
      this.#write(chunk);
      return;
    }
    const lateness = quality === undefined ? 0 : this.#drawLateness(quality);
    if (lateness === undefined) {
      sink.destroy();
      source.destroy();
      return;
    }
    this.#lastDue = Math.max(this.#lastDue, now + lateness);
    this.#heldBytes += chunk.length;
    if (this.isFull) source.pause();
    setTimeout(() => {
      this.#heldBytes -= chunk.length;
      this.#write(chunk);
      if (!this.isFull) this.#options.onRoom();
    }, this.#lastDue - now).unref();
  }

  /** Returns the delay in ms; undefined: the connection breaks. */
  #drawLateness({ lossShare, delayMs, jitterMs }: LinkQuality): number | undefined {
    const { draws, damage } = this.#options;
    let lateness = delayMs + draws.between(0, jitterMs);
    for (let lost = 0; lost < MAX_RETRANSMISSIONS && draws.chance(lossShare); lost += 1) {
      damage.lost += 1;
      if (draws.chance(ABORT_CHANCE)) return undefined;
      lateness += RETRANSMISSION_MS * 2 ** lost;
    }
    if (lateness > 0) damage.late += 1;
    return lateness;
  }

  #write(chunk: Buffer): void {
    const { source, sink } = this.#options;
    if (sink.destroyed || sink.write(chunk)) return;
    source.pause();
    sink.once('drain', () => this.#options.onRoom());
  }
}
