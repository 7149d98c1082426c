// One socket that carries frames in both directions. Frames sent in one turn of the event loop leave in one
// write, unless they are flushed before.

import type { Socket } from 'node:net';
import { CodedError } from '../../../shared/coded-error.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, FrameDecoder, frameHeader } from '../codec/frame.ts';
import { malformed } from '../codec/malformed.ts';
import { MAX_HELLO_BYTES } from './hello.ts';
import type { TransportLimits } from './limits.ts';

export interface ConnectionOptions {
  readonly limits: TransportLimits;
  /** Names the other end in error messages. */
  readonly remoteName: string;
}

export class FrameConnection {
  /** Called for each whole frame that arrives, until the connection is closing. */
  onFrame: (payload: Uint8Array) => void = () => undefined;
  /** Called when bytes arrive: whole frames or a part of one. */
  onBytes: () => void = () => undefined;
  /** Called once when the socket is gone, never inside a call. An orderly close has no error. */
  onClosed: (error: Error | undefined) => void = () => undefined;

  readonly #socket: Socket;
  readonly #limits: TransportLimits;
  readonly #decoder = new FrameDecoder(MAX_HELLO_BYTES);
  #closing = false;
  #error: Error | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** The frames of this turn. */
  readonly #outbox = new ByteWriter();
  #outboxFrames = 0;
  #sentCallbacks: (() => void)[] = [];

  /** Frames handed to the socket that the system has not taken yet. */
  #framesUnderWay = 0;

  constructor(socket: Socket, { limits, remoteName }: ConnectionOptions) {
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

  /**
   * Queues one frame, whose payload `write` writes. Returns false and queues nothing when the connection is
   * closing or the queue is full. Calls `sent` when the system has taken the frame, unless the connection
   * closes before.
   */
  send(write: (writer: ByteWriter) => void, sent?: () => void): boolean {
    if (this.#closing || this.#queuedFrames >= this.#limits.maxQueuedFrames) return false;
    const start = beginFrame(this.#outbox);
    write(this.#outbox);
    if (this.#outbox.length + this.#socket.writableLength > this.#limits.maxQueuedBytes) {
      this.#outbox.truncate(start);
      return false;
    }
    endFrame(this.#outbox, start);
    if (sent !== undefined) this.#sentCallbacks.push(sent);
    if (this.#outboxFrames++ === 0) queueMicrotask(() => this.flush());
    return true;
  }

  /**
   * Sends a long payload without copying it: the payload must not change until `sent` is called. Flushes the
   * queue first. Returns false as `send` does.
   */
  sendLong(payload: Uint8Array, sent: () => void): boolean {
    if (this.#closing || this.#queuedFrames >= this.#limits.maxQueuedFrames) return false;
    const queuedBytes = this.#outbox.length + this.#socket.writableLength;
    if (queuedBytes + FRAME_HEADER_BYTES + payload.length > this.#limits.maxQueuedBytes) return false;
    this.flush();
    this.#framesUnderWay += 1;
    this.#socket.cork();
    this.#socket.write(frameHeader(payload));
    this.#socket.write(payload, this.#onTaken(1, [sent]));
    this.#socket.uncork();
    return true;
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

  /** Closes at once and drops the queue. `onClosed` gets `error`. */
  destroy(error: Error | undefined): void {
    this.#closing = true;
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** True once either side, or an error, has begun to close the connection. */
  get closing(): boolean {
    return this.#closing;
  }

  get #queuedFrames(): number {
    return this.#outboxFrames + this.#framesUnderWay;
  }

  /** Hands the queue to the socket. */
  flush(): void {
    if (this.#outboxFrames === 0 || this.#socket.destroyed) return;
    const frames = this.#outboxFrames;
    const callbacks = this.#sentCallbacks;
    this.#outboxFrames = 0;
    this.#sentCallbacks = [];
    this.#framesUnderWay += frames;
    this.#socket.write(this.#outbox.take(), this.#onTaken(frames, callbacks));
  }

  /** Returns the callback for a write of `frames` frames, which the system has taken or never will. */
  #onTaken(frames: number, callbacks: readonly (() => void)[]): (error?: Error | null) => void {
    return (error) => {
      this.#framesUnderWay -= frames;
      for (const sent of callbacks) {
        if (!error && !this.#closing) sent();
      }
    };
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closing) return;
    this.onBytes();
    this.#decoder.push(chunk);
    for (let payload = this.#nextPayload(); payload !== undefined; payload = this.#nextPayload()) {
      this.onFrame(payload);
    }
  }

  #nextPayload(): Uint8Array | undefined {
    if (this.#closing) return undefined;
    try {
      return this.#decoder.next();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.destroy(error);
      return undefined;
    }
  }

  #onEnd(): void {
    if (!this.#closing && !this.#decoder.atBoundary) {
      this.destroy(malformed('the connection ended in the middle of a frame'));
      return;
    }
    this.close();
  }

  #onClose(): void {
    this.#closing = true;
    clearTimeout(this.#lingerTimer);
    this.onClosed(this.#error);
  }
}

/** Returns the bytes as a plain Uint8Array: `slice` of a Buffer is a view, and pure code expects a copy. */
function withoutBuffer(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
