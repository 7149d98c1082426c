// Receipts: empty frames by which the accepting side confirms that messages arrive. A successful write to the
// socket proves nothing: while the peer is gone, TCP retransmits at longer and longer intervals.

import type { FrameConnection } from './frame-connection.ts';

/** The sending side: calls `onTimeout` when a message was sent and no receipt came for `timeoutMs`. */
export class ReceiptWatch {
  readonly #timeoutMs: number;
  readonly #onTimeout: () => void;
  #timer: NodeJS.Timeout | undefined;
  #lastLook: NodeJS.Immediate | undefined;

  constructor(timeoutMs: number, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  /** Call when a message was sent. */
  expect(): void {
    this.#timer ??= setTimeout(() => {
      // After this process was paused, the timer runs before the receipts that wait in the socket: read those
      // first.
      this.#lastLook = setImmediate(this.#onTimeout);
    }, this.#timeoutMs);
  }

  /** Call when a receipt came: all that was sent long enough ago has arrived. Call it at the end, too. */
  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#lastLook);
    this.#timer = undefined;
  }
}

/** The receiving side: sends one receipt for everything that arrives within an interval. */
export function confirmReceipts(connection: FrameConnection, intervalMs: number): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  // A part of a message counts: a long one on a slow link must be confirmed in time.
  connection.onBytes = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      connection.queue(() => undefined);
    }, intervalMs);
  };
  return { stop: () => clearTimeout(timer) };
}
