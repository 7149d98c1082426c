// A channel on a simulated connection: frames in order, taken one at a time.

import { type Channel, MAX_CHANNEL_FRAME_BYTES } from '../../src/engines/raft/node/ports/transport.ts';
import { assert } from '../../src/shared/assert.ts';
import type { Endpoint } from './simulated-connection.ts';
import type { Timeline } from './timeline.ts';

/** Speed of the network card. */
const BYTES_PER_MS = 100_000;
const SPOILT = 0xdb;

export class SimulatedChannel implements Channel {
  onFrame: (frame: Uint8Array) => void = () => undefined;
  onClose: (error: Error | undefined) => void = () => undefined;
  readonly #timeline: Timeline;
  readonly #end: Endpoint;

  constructor(timeline: Timeline, end: Endpoint) {
    this.#timeline = timeline;
    this.#end = end;
    end.onItem = (item) => {
      if (item.kind === 'frame') this.onFrame(item.frame);
    };
    end.onClosed = (error) => this.onClose(error);
  }

  send(frame: Uint8Array, sent: () => void): void {
    assert(frame.length <= MAX_CHANNEL_FRAME_BYTES, 'a frame has at most MAX_CHANNEL_FRAME_BYTES');
    // A frame sent on a closed channel is lost: onClose was called, or is about to be.
    if (!this.#end.send({ kind: 'frame', frame: frame.slice() })) return;
    this.#timeline.schedule(frame.length / BYTES_PER_MS, this.#end.life, () => {
      if (!this.#end.isClosing) sent();
    });
  }

  /** Overwrites the buffer, which exposes a caller that still reads it. */
  giveBack(bytes: Uint8Array): void {
    bytes.fill(SPOILT);
  }

  close(): void {
    this.#end.close();
  }
}
