// Sends an image of this node's store to a follower whose log is too far behind, on a connection of its own, while the
// node goes on. However it ends, `done` is called once: the leader is never left in limbo (trap 23).

import type { Logger } from '../../../../shared/logger.ts';
import type { ServerId } from '../../core/configuration.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import { loadAppliedRecord } from '../log/durable-records.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { KeyValueStore, StoreImage } from '../ports/key-value-store.ts';
import type { Channel, Transport } from '../ports/transport.ts';
import {
  CHUNK_HEAD_BYTES,
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  MAX_CHUNKS_UNDER_WAY,
  type SnapshotFrame,
} from './snapshot-frames.ts';

/** A connection that broke is replaced this often before the snapshot counts as failed. */
const MAX_RESUMES = 5;
/**
 * After a chunk the sender rests for the end of that turn of the event loop and for two whole ones: what the leader does for
 * others goes first, and where processors are short turns are long. Not for as long as the chunk took, which may have waited
 * for the network.
 */
const REST_TURNS = 3;
/** Pause before a broken connection is replaced. */
const RESUME_AFTER_MS = 200;

export interface SnapshotSenderPorts {
  readonly store: KeyValueStore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SnapshotSenderOptions {
  readonly to: ServerId;
  /** The term in which this node leads. */
  readonly term: number;
  /** Unique among the snapshots that this node ever sends. */
  readonly snapshotId: string;
  readonly chunkBytes: number;
  readonly timeoutMs: number;
}

export class SnapshotSender {
  readonly #ports: SnapshotSenderPorts;
  readonly #options: SnapshotSenderOptions;
  readonly #done: (installedIndex: number | undefined) => void;
  #image: StoreImage | undefined;
  #point: SnapshotPoint | undefined;
  #channel: Channel | undefined;
  /** Each frame for it, one at a time: new memory for each would have V8's collector run all the time. */
  #frameRoom = new Uint8Array(0);
  /** Where the bytes end that were sent on the connection there is now. */
  #sentBytes = 0;
  /** By chunk that was sent there and not acknowledged: where it ends. */
  #unacknowledged: number[] = [];
  /** The follower has said where to begin, on that connection. */
  #isStreaming = false;
  /** A chunk is being read, or is on its way out of the buffers. */
  #isSending = false;
  #resumes = 0;
  #watchdog: Timer | undefined;
  #isEnded = false;

  /** `done` gets the index that the follower installed, or undefined when it did not. */
  constructor(
    ports: SnapshotSenderPorts,
    options: SnapshotSenderOptions,
    done: (installedIndex: number | undefined) => void,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#done = done;
    this.#feedWatchdog();
    ports.store.openImage((error, image) => {
      if (image === undefined) this.#end(undefined, error?.message ?? 'there is no image');
      else if (this.#isEnded) image.close();
      else this.#begin(image);
    });
  }

  /**
   * The last entry that the image has: entries after it must stay in the log until this has ended. It has what was done
   * when this began, so until it is known every entry that is there must stay.
   */
  get point(): SnapshotPoint | undefined {
    return this.#point;
  }

  /** Gives up, for instance because this node no longer leads. */
  cancel(reason: string): void {
    this.#end(undefined, reason);
  }

  #begin(image: StoreImage): void {
    this.#image = image;
    try {
      this.#point = loadAppliedRecord(image);
    } catch (error) {
      this.#end(undefined, error instanceof Error ? error.message : String(error));
      return;
    }
    const { to } = this.#options;
    this.#ports.logger.info('snapshot is being sent', {
      to,
      index: this.#point.index,
      bytes: image.sizeBytes,
    });
    this.#connect(image, this.#point);
  }

  #connect(image: StoreImage, point: SnapshotPoint): void {
    this.#feedWatchdog();
    this.#ports.transport.openChannel(this.#options.to, (error, channel) => {
      if (this.#isEnded) {
        channel?.close();
        return;
      }
      if (channel === undefined) {
        this.#maybeResume(image, point, error?.message ?? 'no connection');
        return;
      }
      this.#channel = channel;
      // Not that of the connection before, on which a frame may still be on its way.
      this.#frameRoom = new Uint8Array(CHUNK_HEAD_BYTES + this.#options.chunkBytes);
      channel.onFrame = (frame) => this.#handleFrame(image, channel, frame);
      channel.onClose = (cause) => {
        if (channel !== this.#channel) return;
        this.#maybeResume(image, point, cause?.message ?? 'the connection was closed');
      };
      const { snapshotId, term } = this.#options;
      const { sizeBytes } = image;
      this.#send(image, { kind: 'begin', snapshotId, term, point, sizeBytes });
    });
  }

  /** The follower keeps what it has: a new connection goes on from there. */
  #maybeResume(image: StoreImage, point: SnapshotPoint, reason: string): void {
    this.#channel = undefined;
    this.#isSending = false;
    this.#isStreaming = false;
    if (this.#isEnded) return;
    this.#resumes += 1;
    if (this.#resumes > MAX_RESUMES) {
      this.#end(undefined, reason);
      return;
    }
    this.#ports.clock.after(RESUME_AFTER_MS, () => {
      if (!this.#isEnded && this.#channel === undefined) this.#connect(image, point);
    });
  }

  #handleFrame(image: StoreImage, channel: Channel, bytes: Uint8Array): void {
    if (channel !== this.#channel || this.#isEnded) return;
    this.#feedWatchdog();
    let frame: SnapshotFrame;
    try {
      frame = decodeSnapshotFrame(bytes);
    } catch (error) {
      this.#end(undefined, error instanceof Error ? error.message : String(error));
      return;
    }
    switch (frame.kind) {
      case 'resume':
        this.#startFrom(image, frame.offset);
        break;
      case 'acknowledged': {
        const { offset } = frame;
        this.#unacknowledged = this.#unacknowledged.filter((end) => end > offset);
        this.#sendMore(image);
        break;
      }
      case 'installed':
        this.#end(this.#point?.index, undefined);
        break;
      case 'refused':
        this.#end(undefined, frame.reason);
        break;
      default:
        this.#end(undefined, `a follower does not send '${frame.kind}'`);
    }
  }

  #startFrom(image: StoreImage, offset: number): void {
    if (offset > image.sizeBytes) {
      this.#end(undefined, `the follower wants byte ${offset} of ${image.sizeBytes}`);
      return;
    }
    this.#sentBytes = offset;
    this.#unacknowledged = [];
    this.#isStreaming = true;
    this.#sendMore(image);
  }

  /** One chunk at a time leaves the buffers, a few are on the way: memory stays bounded, the event loop free. */
  #sendMore(image: StoreImage): void {
    if (!this.#isStreaming || this.#isSending || this.#isEnded) return;
    if (this.#unacknowledged.length >= MAX_CHUNKS_UNDER_WAY) return;
    const offset = this.#sentBytes;
    const length = Math.min(this.#options.chunkBytes, image.sizeBytes - offset);
    if (length === 0) return;
    const channel = this.#channel;
    this.#isSending = true;
    image.read(offset, length, (error, bytes) => {
      if (this.#isEnded || channel !== this.#channel) return;
      if (error !== undefined) {
        this.#end(undefined, error.message);
        return;
      }
      this.#sentBytes = offset + length;
      this.#unacknowledged.push(this.#sentBytes);
      this.#send(image, { kind: 'chunk', offset, bytes });
    });
  }

  /** Whoever else waits for the event loop has a turn between two frames. */
  #send(image: StoreImage, frame: SnapshotFrame): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    this.#isSending = true;
    channel.send(encodeSnapshotFrame(frame, this.#frameRoom), () =>
      this.#rest(REST_TURNS, () => {
        if (channel !== this.#channel) return;
        this.#isSending = false;
        this.#sendMore(image);
      }),
    );
  }

  #rest(turns: number, goOn: () => void): void {
    if (turns === 0) goOn();
    else this.#ports.clock.soon(() => this.#rest(turns - 1, goOn));
  }

  #feedWatchdog(): void {
    this.#watchdog?.cancel();
    this.#watchdog = this.#ports.clock.after(this.#options.timeoutMs, () =>
      this.#end(undefined, `no progress for ${this.#options.timeoutMs} ms`),
    );
  }

  #end(installedIndex: number | undefined, reason: string | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#watchdog?.cancel();
    this.#image?.close();
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
    const fields = { to: this.#options.to, index: this.#point?.index, sentBytes: this.#sentBytes };
    if (reason === undefined) this.#ports.logger.info('snapshot delivered', fields);
    else this.#ports.logger.warn('snapshot not delivered', { ...fields, reason });
    this.#done(installedIndex);
  }
}
