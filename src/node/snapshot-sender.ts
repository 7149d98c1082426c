// Sends a consistent picture of this node's store to a follower whose log is too far behind, on a connection of its
// own, while the node goes on. However it ends, `done` is called once: the leader is never left in limbo (trap 23).

import type { ServerId } from '../raft/configuration.ts';
import type { SnapshotPoint } from '../raft/ready.ts';
import { loadAppliedRecord } from './log-store.ts';
import type { Channel, Clock, KeyValueSnapshot, KeyValueStore, Logger, Timer, Transport } from './ports.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  MAX_CHUNKS_UNDER_WAY,
  type SnapshotFrame,
} from './snapshot-frames.ts';
import { takeRows } from './snapshot-rows.ts';

/** A connection that broke is replaced this often before the snapshot counts as failed. */
const MAX_RESUMES = 5;
/**
 * After a chunk that took the processor so long the sender rests this many times as long: what the leader does for others
 * goes first. Where processors are short a chunk takes longer, and the rest with it.
 */
const REST_PER_WORK = 1;
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
  /** The last entry that the picture holds. Entries after it must stay in the log until this has ended. */
  readonly point: SnapshotPoint;
  readonly #ports: SnapshotSenderPorts;
  readonly #options: SnapshotSenderOptions;
  readonly #done: (installedIndex: number | undefined) => void;
  readonly #picture: KeyValueSnapshot;
  readonly #generation: number;
  #channel: Channel | undefined;
  #lastKeySent: Uint8Array = new Uint8Array(0);
  #rowsSent = 0;
  #nextSequence = 0;
  #acknowledgedSequences = 0;
  /** The follower has said where to begin, on the connection there is now. */
  #isStreaming = false;
  #isEndSent = false;
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
    this.#picture = ports.store.snapshot();
    const applied = loadAppliedRecord(this.#picture);
    this.point = applied;
    this.#generation = applied.generation;
    this.#connect();
  }

  /** Gives up, for instance because this node no longer leads. */
  cancel(reason: string): void {
    this.#end(undefined, reason);
  }

  #connect(): void {
    this.#feedWatchdog();
    this.#ports.transport.openChannel(this.#options.to, (error, channel) => {
      if (this.#isEnded) {
        channel?.close();
        return;
      }
      if (channel === undefined) {
        this.#maybeResume(error?.message ?? 'no connection');
        return;
      }
      this.#channel = channel;
      channel.onFrame = (frame) => this.#handleFrame(channel, frame);
      channel.onClose = (cause) => {
        if (channel === this.#channel) this.#maybeResume(cause?.message ?? 'the connection was closed');
      };
      this.#send({
        kind: 'begin',
        snapshotId: this.#options.snapshotId,
        term: this.#options.term,
        point: this.point,
        generation: this.#generation,
      });
    });
  }

  /** The follower keeps what it staged: a new connection goes on from there. */
  #maybeResume(reason: string): void {
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
      if (!this.#isEnded && this.#channel === undefined) this.#connect();
    });
  }

  #handleFrame(channel: Channel, bytes: Uint8Array): void {
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
        this.#startFrom(frame.afterKey);
        break;
      case 'acknowledged':
        this.#acknowledgedSequences = frame.sequence + 1;
        this.#sendMore();
        break;
      case 'installed':
        this.#end(this.point.index, undefined);
        break;
      case 'refused':
        this.#end(undefined, frame.reason);
        break;
      default:
        this.#end(undefined, `a follower does not send '${frame.kind}'`);
    }
  }

  #startFrom(afterKey: Uint8Array): void {
    this.#lastKeySent = afterKey;
    this.#nextSequence = 0;
    this.#acknowledgedSequences = 0;
    this.#isStreaming = true;
    this.#isEndSent = false;
    this.#rowsSent = 0;
    this.#sendMore();
  }

  /** One chunk at a time leaves the buffers, a few are on the way: memory stays bounded, the event loop free. */
  #sendMore(): void {
    if (!this.#isStreaming || this.#isSending || this.#isEndSent || this.#isEnded) return;
    if (this.#nextSequence - this.#acknowledgedSequences >= MAX_CHUNKS_UNDER_WAY) return;
    const begunAt = this.#ports.clock.now();
    const { lastKey, ...rows } = takeRows(this.#picture, {
      generation: this.#generation,
      afterKey: this.#lastKeySent,
      maxBytes: this.#options.chunkBytes,
    });
    if (rows.count === 0) {
      this.#isEndSent = true;
      this.#send({ kind: 'end', rowCount: this.#rowsSent });
      return;
    }
    this.#lastKeySent = lastKey;
    this.#rowsSent += rows.count;
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#send({ kind: 'chunk', sequence, rows }, begunAt);
  }

  /** Whoever else waits for the event loop has a turn between two frames. */
  #send(frame: SnapshotFrame, begunAt = this.#ports.clock.now()): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    this.#isSending = true;
    const { clock } = this.#ports;
    const goOn = (): void => {
      if (channel !== this.#channel) return;
      this.#isSending = false;
      this.#sendMore();
    };
    let restMs = 0;
    channel.send(encodeSnapshotFrame(frame), () => {
      if (restMs > 0) clock.after(restMs, goOn);
      else clock.soon(goOn);
    });
    restMs = (clock.now() - begunAt) * REST_PER_WORK;
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
    this.#picture.close();
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
    const fields = { to: this.#options.to, index: this.point.index, chunks: this.#nextSequence };
    if (reason === undefined) this.#ports.logger.info('snapshot delivered', fields);
    else this.#ports.logger.warn('snapshot not delivered', { ...fields, reason });
    this.#done(installedIndex);
  }
}
