// One socket that carries frames in both directions. Frames sent in one turn of the event loop leave in one
// write, unless they are flushed before.

import type { Socket } from 'node:net';
import { assert } from '../../../shared/assert.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, FrameDecoder, frameHeader } from '../codec/frame.ts';
import { malformed } from '../codec/malformed.ts';
import { type Channel, MAX_CHANNEL_FRAME_BYTES } from '../node/ports/transport.ts';
import { MAX_HELLO_BYTES } from './hello.ts';
import type { TransportLimits } from './limits.ts';

export class FrameConnection implements Channel {
  /** Called for each whole frame that arrives, until the connection is closing. */
  onFrame: (payload: Uint8Array) => void = () => undefined;
  /** Called when bytes arrive: whole frames or a part of one. */
  onBytes: () => void = () => undefined;
  /** Called once when the socket is gone, never inside a call. An orderly close has no error. */
  onClose: (error: Error | undefined) => void = () => undefined;

  readonly #socket: Socket;
  readonly #limits: TransportLimits;
  readonly #decoder = new FrameDecoder(MAX_HELLO_BYTES);
  #closing = false;
  #error: Error | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** The frames of this turn. */
  readonly #outbox = new ByteWriter();
  #outboxFrames = 0;

  /** Frames handed to the socket that the system has not taken yet. */
  #framesUnderWay = 0;

  /** `remoteName` names the other end in error messages. */
  constructor(socket: Socket, limits: TransportLimits, remoteName: string) {
    this.#socket = socket;
    this.#limits = limits;
    socket.on('data', (chunk: Buffer) => this.#receive(withoutBuffer(chunk)));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#onClose());
    // The timeout fires when no byte moved in either direction, also within one long write. An idle
    // connection stays.
    socket.setTimeout(limits.writeStallMs, () => {
      if (this.#framesUnderWay === 0) return;
      this.destroy(new CodedError('unreachable', `${remoteName} no longer takes any bytes`));
    });
  }

  /** Sets how long frames that arrive may be. It begins with the length of a hello. */
  set maxPayloadBytes(bytes: number) {
    this.#decoder.maxPayloadBytes = bytes;
  }

  /** Makes an accepted connection a channel, for its owner to set the callbacks. */
  becomeChannel(): Channel {
    this.maxPayloadBytes = MAX_CHANNEL_FRAME_BYTES;
    this.onFrame = () => undefined;
    this.onClose = () => undefined;
    return this;
  }

  /**
   * Queues one frame, whose payload `write` writes. Returns false and queues nothing when the connection is
   * closing or the queue is full.
   */
  queue(write: (writer: ByteWriter) => void): boolean {
    if (this.#closing || this.#queuedFrames >= this.#limits.maxQueuedFrames) return false;
    const start = beginFrame(this.#outbox);
    write(this.#outbox);
    if (this.#queuedBytes > this.#limits.maxQueuedBytes) {
      this.#outbox.truncate(start);
      return false;
    }
    endFrame(this.#outbox, start);
    if (this.#outboxFrames++ === 0) queueMicrotask(() => this.flush());
    return true;
  }

  /**
   * Sends the frame of a channel behind the queue, without copying it. A frame sent on a closed channel is
   * lost: `onClose` was called, or is about to be.
   */
  send(frame: Uint8Array, sent: () => void): void {
    assert(frame.length <= MAX_CHANNEL_FRAME_BYTES, 'a channel takes no frame of that length');
    if (this.#closing) return;
    const { maxQueuedFrames, maxQueuedBytes } = this.#limits;
    const queuedBytes = this.#queuedBytes + FRAME_HEADER_BYTES + frame.length;
    assert(
      this.#queuedFrames < maxQueuedFrames && queuedBytes <= maxQueuedBytes,
      'a channel takes the next frame when the last is sent',
    );
    this.flush();
    this.#framesUnderWay += 1;
    this.#socket.cork();
    this.#socket.write(frameHeader(frame));
    this.#socket.write(frame, (error) => {
      this.#framesUnderWay -= 1;
      if (!error && !this.#closing) sent();
    });
    this.#socket.uncork();
  }

  /** Returns the memory of a payload, or of a part of one, that the receiver no longer reads. */
  giveBack(bytes: Uint8Array): void {
    this.#decoder.giveBack(bytes);
  }

  /** Sends the queue, then closes. */
  close(): void {
    if (this.#closing) return;
    if (this.#socket.connecting) {
      this.destroy(undefined);
      return;
    }
    this.flush();
    this.#closing = true;
    this.#socket.end();
    this.#lingerTimer = setTimeout(() => this.#socket.destroy(), this.#limits.lingerMs);
  }

  /** Closes at once and drops the queue. `onClose` gets `error`. */
  destroy(error: Error | undefined): void {
    this.#closing = true;
    this.#error ??= error;
    this.#socket.destroy();
  }

  get #queuedFrames(): number {
    return this.#outboxFrames + this.#framesUnderWay;
  }

  get #queuedBytes(): number {
    return this.#outbox.length + this.#socket.writableLength;
  }

  /** Hands the queue to the socket. */
  flush(): void {
    if (this.#outboxFrames === 0 || this.#socket.destroyed) return;
    const frames = this.#outboxFrames;
    this.#outboxFrames = 0;
    this.#framesUnderWay += frames;
    this.#socket.write(this.#outbox.take(), () => {
      this.#framesUnderWay -= frames;
    });
  }

  /** Returns the decoded value. Malformed input drops the connection. Other errors are our own bugs. */
  decoded<T>(decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof CodedError && error.code === 'malformed')) throw error;
      this.destroy(error);
      return undefined;
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closing) return;
    this.onBytes();
    this.#decoder.push(chunk);
    while (!this.#closing) {
      const payload = this.decoded(this.#nextPayload);
      if (payload === undefined) return;
      this.onFrame(payload);
    }
  }

  readonly #nextPayload = (): Uint8Array | undefined => this.#decoder.next();

  #onEnd(): void {
    if (this.#closing || this.#decoder.atBoundary) this.close();
    else this.destroy(malformed('the connection ended in the middle of a frame'));
  }

  #onClose(): void {
    this.#closing = true;
    clearTimeout(this.#lingerTimer);
    this.onClose(this.#error);
  }
}

/** Returns the bytes as a plain Uint8Array: `slice` of a Buffer is a view, and pure code expects a copy. */
function withoutBuffer(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
