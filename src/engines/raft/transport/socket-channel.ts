import { assert } from '../../../shared/assert.ts';
import { type Channel, MAX_CHANNEL_FRAME_BYTES } from '../node/ports/transport.ts';
import type { FrameConnection } from './frame-connection.ts';

/** A channel over a connection of its own, after the hello: snapshots must not delay messages. */
export class SocketChannel implements Channel {
  onFrame: (frame: Uint8Array) => void = () => undefined;
  onClose: (error: Error | undefined) => void = () => undefined;
  readonly #connection: FrameConnection;

  constructor(connection: FrameConnection) {
    this.#connection = connection;
    connection.maxPayloadBytes = MAX_CHANNEL_FRAME_BYTES;
    connection.onFrame = (frame) => this.onFrame(frame);
    connection.onClosed = (error) => this.onClose(error);
  }

  send(frame: Uint8Array, sent: () => void): void {
    assert(frame.length <= MAX_CHANNEL_FRAME_BYTES, 'a channel takes no frame of that length');
    // A frame sent on a closed channel is lost: `onClose` has been called, or is about to be.
    const queued = this.#connection.sendLong(frame, sent);
    assert(queued || this.#connection.closing, 'a channel takes the next frame when the last is sent');
  }

  giveBack(bytes: Uint8Array): void {
    this.#connection.giveBack(bytes);
  }

  close(): void {
    this.#connection.close();
  }
}
