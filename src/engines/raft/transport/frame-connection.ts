// One socket that carries frames, either way. What is sent in one turn of the event loop leaves in one write, unless it is
// flushed before.

import type { Socket } from 'node:net';
import { CodedError } from '../../../shared/coded-error.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, FrameDecoder, frameHeader } from '../codec/frame.ts';
import { malformed } from '../codec/malformed.ts';
import { MAX_HELLO_BYTES } from './hello.ts';
import type { TransportLimits } from './limits.ts';

export interface ConnectionOptions {
  readonly limits: TransportLimits;
  /** The other end, for messages to people. */
  readonly remoteName: string;
}

export class FrameConnection {
  /** A whole frame arrived. Not called any more once the connection is closing. */
  onFrame: (payload: Uint8Array) => void = () => undefined;
  /** Bytes arrived, of a whole frame or of a part of one. */
  onBytes: () => void = () => undefined;
  /** Called once, never inside a call: the socket is gone. An error unless it was closed in order. */
  onClosed: (error: Error | undefined) => void = () => undefined;

  readonly #socket: Socket;
  readonly #limits: TransportLimits;
  readonly #decoder = new FrameDecoder(MAX_HELLO_BYTES);
  #closing = false;
  #error: Error | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** Frames of this turn. */
  readonly #outbox = new ByteWriter();
  #outboxFrames = 0;
  #sentCallbacks: (() => void)[] = [];

  /** Handed to the socket, and not yet taken by the system. */
  #framesUnderWay = 0;

  constructor(socket: Socket, { limits, remoteName }: ConnectionOptions) {
    this.#socket = socket;
    this.#limits = limits;
    socket.on('data', (chunk: Buffer) => this.#receive(withoutBuffer(chunk)));
    socket.on('end', () => this.#peerEnded());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#closed());
    // It fires when no byte moved for so long, in or out, also within one long write; idle is no reason to close.
    socket.setTimeout(limits.writeStallMs, () => {
      if (this.#framesUnderWay > 0) this.destroy(stalled(remoteName));
    });
  }

  /** Frames that arrive may be this long; a hello's length until it is changed. */
  set maxPayloadBytes(bytes: number) {
    this.#decoder.maxPayloadBytes = bytes;
  }

  /**
   * Queues one frame, whose payload `write` writes. False, and nothing queued, when the connection is closing or
   * the queue is full. `sent` is called when the frame has left this process, unless the connection closes before.
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
   * The same for a long payload that is there already: it goes out from where it lies, and must not change until it is
   * `sent`. What was queued before it leaves at once, and it does.
   */
  sendLong(payload: Uint8Array, sent: () => void): boolean {
    if (this.#closing || this.#queuedFrames >= this.#limits.maxQueuedFrames) return false;
    const queuedBytes = this.#outbox.length + this.#socket.writableLength;
    if (queuedBytes + FRAME_HEADER_BYTES + payload.length > this.#limits.maxQueuedBytes) return false;
    this.flush();
    this.#framesUnderWay += 1;
    this.#socket.cork();
    this.#socket.write(frameHeader(payload));
    this.#socket.write(payload, this.#whenTaken(1, [sent]));
    this.#socket.uncork();
    return true;
  }

  /** The bytes of a payload that came, or a part of them, are not read any more. */
  giveBack(bytes: Uint8Array): void {
    this.#decoder.giveBack(bytes);
  }

  /** Sends what is queued, then closes. */
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

  /** Closes at once: what is queued is lost. `error` is what onClosed will say. */
  destroy(error: Error | undefined): void {
    this.#closing = true;
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** True from the moment that either side, or an error, closed it. */
  get closing(): boolean {
    return this.#closing;
  }

  get #queuedFrames(): number {
    return this.#outboxFrames + this.#framesUnderWay;
  }

  /** Hands what is queued to the socket. */
  flush(): void {
    if (this.#outboxFrames === 0 || this.#socket.destroyed) return;
    const frames = this.#outboxFrames;
    const callbacks = this.#sentCallbacks;
    this.#outboxFrames = 0;
    this.#sentCallbacks = [];
    this.#framesUnderWay += frames;
    this.#socket.write(this.#outbox.take(), this.#whenTaken(frames, callbacks));
  }

  /** What to do when the system has taken a write of so many frames, or never will. */
  #whenTaken(frames: number, callbacks: readonly (() => void)[]): (error?: Error | null) => void {
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

  #peerEnded(): void {
    if (!this.#closing && !this.#decoder.atBoundary) {
      this.destroy(malformed('the connection ended in the middle of a frame'));
      return;
    }
    this.close();
  }

  #closed(): void {
    this.#closing = true;
    clearTimeout(this.#lingerTimer);
    this.onClosed(this.#error);
  }
}

function stalled(remoteName: string): CodedError {
  return new CodedError('unreachable', `${remoteName} takes no bytes any more`);
}

/** The same bytes as a plain Uint8Array: a Buffer's `slice` would be a view where pure code expects a copy. */
function withoutBuffer(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
