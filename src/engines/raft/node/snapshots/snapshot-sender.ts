// Sends an image of this node's store to a follower whose log is too far behind, on a connection of its own.
// `done` is always called once, so that the leader's core hears of every end (trap 23).

import { asError } from '../../../../shared/coded-error.ts';
import type { Logger } from '../../../../shared/logger.ts';
import type { ServerId } from '../../core/configuration.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import { loadAppliedRecord } from '../log/durable-records.ts';
import type { RaftLimits } from '../options.ts';
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

/** Bound on the connections of one snapshot after the first. Then the snapshot has failed. */
const MAX_RESUMES = 5;
/**
 * After a chunk the sender rests until the end of that turn of the event loop and for two whole turns, so
 * that the leader's other work goes first. The rest does not depend on the chunk's time, which may include
 * waiting for the network.
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

interface SnapshotSenderOptions {
  readonly to: ServerId;
  /** The term in which this node leads. */
  readonly term: number;
  /** Unique among all snapshots of this node. */
  readonly snapshotId: string;
  readonly limits: Pick<RaftLimits, 'snapshotChunkBytes' | 'snapshotTimeoutMs'>;
}

export class SnapshotSender {
  readonly #ports: SnapshotSenderPorts;
  readonly #options: SnapshotSenderOptions;
  readonly #done: (installedIndex: number | undefined) => void;
  #image: StoreImage | undefined;
  #point: SnapshotPoint | undefined;
  #channel: Channel | undefined;
  /** Holds one frame at a time. New memory for each frame would keep V8's collector running. */
  #frameBuffer = new Uint8Array(0);
  /** The end of the bytes sent on the current connection. */
  #sentBytes = 0;
  /** The ends of the chunks that were sent on it and not acknowledged. */
  #unacknowledged: number[] = [];
  /** The follower has said where to begin on the current connection. */
  #isStreaming = false;
  /** A chunk is being read, or has not left the buffers yet. */
  #isSending = false;
  #resumes = 0;
  #watchdog: Timer | undefined;
  #isEnded = false;

  /** `done` gets the index that the follower installed, or undefined. */
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
      if (image === undefined) this.cancel(error?.message ?? 'there is no image');
      else if (this.#isEnded) image.close();
      else this.#begin(image);
    });
  }

  /**
   * The last entry in the image. Later entries must stay in the log until this sender ends. The image has
   * every write done before it was opened, so until the point is known all entries must stay.
   */
  get point(): SnapshotPoint | undefined {
    return this.#point;
  }

  /** Gives up, for instance because this node no longer leads. */
  cancel(reason: string): void {
    this.#end(reason);
  }

  /** Returns the result of `read`. An error ends the snapshot. */
  #attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.cancel(asError(error).message);
      return undefined;
    }
  }

  #begin(image: StoreImage): void {
    this.#image = image;
    const point = this.#attempt(() => loadAppliedRecord(image));
    if (point === undefined) return;
    this.#point = point;
    const { to } = this.#options;
    this.#ports.logger.info('snapshot is being sent', { to, index: point.index, bytes: image.sizeBytes });
    this.#connect(image, point);
  }

  #connect(image: StoreImage, point: SnapshotPoint): void {
    const { to, term, snapshotId, limits } = this.#options;
    this.#feedWatchdog();
    this.#ports.transport.openChannel(to, (error, channel) => {
      if (this.#isEnded) {
        channel?.close();
        return;
      }
      if (channel === undefined) {
        this.#maybeResume(image, point, error?.message ?? 'no connection');
        return;
      }
      this.#channel = channel;
      // A new buffer: a frame of the previous connection may still be in the old one.
      this.#frameBuffer = new Uint8Array(CHUNK_HEAD_BYTES + limits.snapshotChunkBytes);
      channel.onFrame = (frame) => this.#handleFrame(image, channel, frame);
      channel.onClose = (cause) => {
        if (channel !== this.#channel) return;
        this.#maybeResume(image, point, cause?.message ?? 'the connection was closed');
      };
      this.#send(image, { kind: 'begin', snapshotId, term, point, sizeBytes: image.sizeBytes });
    });
  }

  /** Replaces a broken connection. The follower keeps what it has, and the new connection continues there. */
  #maybeResume(image: StoreImage, point: SnapshotPoint, reason: string): void {
    this.#channel = undefined;
    this.#isSending = false;
    this.#isStreaming = false;
    if (this.#isEnded) return;
    this.#resumes += 1;
    if (this.#resumes > MAX_RESUMES) {
      this.cancel(reason);
      return;
    }
    this.#ports.clock.after(RESUME_AFTER_MS, () => {
      if (!this.#isEnded && this.#channel === undefined) this.#connect(image, point);
    });
  }

  #handleFrame(image: StoreImage, channel: Channel, bytes: Uint8Array): void {
    if (channel !== this.#channel || this.#isEnded) return;
    this.#feedWatchdog();
    const frame = this.#attempt(() => decodeSnapshotFrame(bytes));
    if (frame === undefined) return;
    switch (frame.kind) {
      case 'resume':
        this.#startFrom(image, frame.offset);
        break;
      case 'acknowledged':
        this.#unacknowledged = this.#unacknowledged.filter((end) => end > frame.offset);
        this.#sendMore(image);
        break;
      case 'installed':
        this.#end(undefined);
        break;
      case 'refused':
        this.cancel(frame.reason);
        break;
      default:
        this.cancel(`a follower does not send '${frame.kind}'`);
    }
  }

  #startFrom(image: StoreImage, offset: number): void {
    if (offset > image.sizeBytes) {
      this.cancel(`the follower wants byte ${offset} of ${image.sizeBytes}`);
      return;
    }
    this.#sentBytes = offset;
    this.#unacknowledged = [];
    this.#isStreaming = true;
    this.#sendMore(image);
  }

  /**
   * One chunk at a time leaves the buffers and a few are under way: memory stays bounded, and the event loop
   * free.
   */
  #sendMore(image: StoreImage): void {
    if (!this.#isStreaming || this.#isSending || this.#isEnded) return;
    if (this.#unacknowledged.length >= MAX_CHUNKS_UNDER_WAY) return;
    const offset = this.#sentBytes;
    const length = Math.min(this.#options.limits.snapshotChunkBytes, image.sizeBytes - offset);
    if (length === 0) return;
    const channel = this.#channel;
    this.#isSending = true;
    image.read(offset, length, (error, bytes) => {
      if (this.#isEnded || channel !== this.#channel) return;
      if (error !== undefined) {
        this.cancel(error.message);
        return;
      }
      this.#sentBytes = offset + length;
      this.#unacknowledged.push(this.#sentBytes);
      this.#send(image, { kind: 'chunk', offset, bytes });
    });
  }

  /** Other work of the event loop has a turn between two frames. */
  #send(image: StoreImage, frame: SnapshotFrame): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    this.#isSending = true;
    channel.send(encodeSnapshotFrame(frame, this.#frameBuffer), () =>
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
    const { snapshotTimeoutMs } = this.#options.limits;
    this.#watchdog?.cancel();
    this.#watchdog = this.#ports.clock.after(snapshotTimeoutMs, () =>
      this.cancel(`no progress for ${snapshotTimeoutMs} ms`),
    );
  }

  /** `reason` says why the snapshot failed; undefined that the follower installed it. */
  #end(reason: string | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#watchdog?.cancel();
    this.#image?.close();
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
    const index = this.#point?.index;
    const fields = { to: this.#options.to, index, sentBytes: this.#sentBytes };
    if (reason === undefined) this.#ports.logger.info('snapshot delivered', fields);
    else this.#ports.logger.warn('snapshot not delivered', { ...fields, reason });
    this.#done(reason === undefined ? index : undefined);
  }
}
