// Receipts: empty frames that the accepting side sends back on a connection of messages, to say that they arrive.
// A message that is merely written proves nothing: the system keeps it, and tries again at longer and longer
// intervals, while the peer is gone.

import type { FrameConnection } from './frame-connection.ts';

/** The sending side: calls `onSilence` when something was expected and nothing came for `timeoutMs`. */
export class ReceiptWatch {
  readonly #timeoutMs: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;
  #lastLook: NodeJS.Immediate | undefined;

  constructor(timeoutMs: number, onSilence: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onSilence = onSilence;
  }

  /** A message was sent. */
  expect(): void {
    this.#timer ??= setTimeout(() => {
      // After a pause of this process the timer runs before the receipts that wait in the socket: read them first.
      this.#lastLook = setImmediate(this.#onSilence);
    }, this.#timeoutMs);
  }

  /** A receipt came: everything sent long enough ago has arrived. */
  confirm(): void {
    this.stop();
    this.#timer = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#lastLook);
  }
}

/** The receiving side: one receipt for all that arrived within an interval. */
export class ReceiptSender {
  readonly #connection: FrameConnection;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: FrameConnection, intervalMs: number) {
    this.#connection = connection;
    this.#intervalMs = intervalMs;
  }

  /** Something arrived: a part of a message counts too, or a long one on a slow link would never be confirmed. */
  owe(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#connection.send(() => undefined);
    }, this.#intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
