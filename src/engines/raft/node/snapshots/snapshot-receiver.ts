// Receives a snapshot: stages the image of a leader's store beside this node's store, which keeps serving,
// checks it, and has it replace the state in one write. A broken connection resumes where the image ends so
// far.

import { CodedError } from '../../../../shared/coded-error.ts';
import type { Logger } from '../../../../shared/logger.ts';
import { malformed } from '../../codec/malformed.ts';
import type { ServerId } from '../../core/configuration.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import { type AppliedRecord, isSamePoint, loadAppliedRecord } from '../log/durable-records.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { ImageStaging, KeyValueStore } from '../ports/key-value-store.ts';
import type { Channel } from '../ports/transport.ts';
import type { Replica } from '../replica.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  MAX_CHUNKS_UNDER_WAY,
  type SnapshotFrame,
} from './snapshot-frames.ts';

/** How long an incomplete image keeps its disk space without a connection. */
const KEPT_MS = 30_000;

type Frame<Kind extends SnapshotFrame['kind']> = SnapshotFrame & { readonly kind: Kind };

interface SnapshotReceiverParts {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: Pick<Replica, 'runOrStop'> & {
    readonly core: Pick<RaftCore, 'term' | 'commitIndex' | 'durableIndex'>;
  };
  /** The image is complete. Returns false when the snapshot is not needed after all. */
  readonly install: Replica['install'];
}

/** A peer's wish to send a snapshot. */
interface Beginning {
  readonly from: ServerId;
  readonly channel: Channel;
  readonly frame: Frame<'begin'>;
}

/** An incoming image, over one channel after the other. */
interface Arrival {
  readonly from: ServerId;
  readonly frame: Frame<'begin'>;
  readonly staging: ImageStaging;
  /** The end of the bytes that the store was given. */
  offset: number;
  /** Chunks that the store has not taken yet. */
  chunksUnderWay: number;
  isInstalling: boolean;
  /** The channel that brings the image now. */
  channel: Channel | undefined;
  /** Runs while there is no channel. */
  forgetting?: Timer;
}

export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts;
  /** Invariant: every other image is installed or discarded. */
  #arrival: Arrival | undefined;
  /** Waits until the store has taken all chunks that it was given before. */
  #beginning: Beginning | undefined;
  /** Channels that began a snapshot. Each brings one: answers would pile up at a peer that reads none. */
  readonly #begun = new WeakSet<Channel>();
  #isStopped = false;

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts;
  }

  /** A peer opened a channel to send a snapshot. A later channel replaces an earlier one. */
  accept(from: ServerId, channel: Channel): void {
    channel.onClose = () => this.#detach(channel);
    channel.onFrame = (bytes) => {
      if (!this.#isStopped) this.#run(() => this.#handleBytes(from, channel, bytes));
    };
  }

  /** Stages and answers nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#arrival?.channel?.close();
    this.#beginning?.channel.close();
    this.#beginning = undefined;
    this.#giveUp();
  }

  #run(action: () => void): void {
    this.#parts.replica.runOrStop(action);
  }

  /** Malformed bytes are the peer's fault, and end its snapshot. */
  #handleBytes(from: ServerId, channel: Channel, bytes: Uint8Array): void {
    try {
      this.#handleFrame(from, channel, decodeSnapshotFrame(bytes));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#refuse(channel, error.message);
      channel.close();
    }
  }

  #handleFrame(from: ServerId, channel: Channel, frame: SnapshotFrame): void {
    const arrival = this.#arrival;
    if (frame.kind === 'begin') {
      if (this.#begun.has(channel)) throw malformed('one connection brings one snapshot');
      this.#begun.add(channel);
      this.#begin({ from, channel, frame });
      return;
    }
    // Another channel has replaced this one.
    if (arrival === undefined || arrival.channel !== channel) return;
    if (frame.kind === 'chunk') this.#handleChunk(arrival, frame);
    else this.#refuse(channel, `a leader does not send '${frame.kind}'`);
  }

  #begin(beginning: Beginning): void {
    if (this.#maybeTurnDown(beginning)) return;
    for (const other of [this.#arrival?.channel, this.#beginning?.channel]) {
      if (other !== undefined) this.#refuse(other, 'another channel took its place');
    }
    this.#beginning = beginning;
    this.#maybeStart();
  }

  /** Answers a beginning that this node does not take. Returns whether it did. */
  #maybeTurnDown({ channel, frame }: Beginning): boolean {
    const { term, commitIndex, durableIndex } = this.#parts.replica.core;
    const { index } = frame.point;
    if (this.#arrival?.isInstalling === true) this.#refuse(channel, 'another snapshot is being installed');
    else if (frame.term < term) this.#refuse(channel, `term ${frame.term} is over, this is ${term}`);
    else if (frame.term > term) {
      // The log must never hold a term above the one on disk. The leader's next message brings the term.
      this.#refuse(channel, `term ${frame.term} is not known here yet, this is ${term}`);
    } else if (index <= Math.min(commitIndex, durableIndex)) {
      // It was installed before, and the answer was lost. A refusal would make the leader send snapshots for
      // ever (trap 23).
      this.#answer(channel, { kind: 'installed', index });
    } else if (index <= commitIndex) {
      this.#refuse(channel, `entry ${index} is on its way to the disk already`);
    } else return false;
    return true;
  }

  /** Starts when the store has no chunk left. A peer that begins again and again must not add to those. */
  #maybeStart(): void {
    const beginning = this.#beginning;
    if (beginning === undefined || (this.#arrival?.chunksUnderWay ?? 0) > 0) return;
    this.#beginning = undefined;
    // The node may have changed while the beginning waited.
    if (this.#maybeTurnDown(beginning)) return;
    const arrival = this.#arrivalFor(beginning);
    arrival.channel = beginning.channel;
    arrival.forgetting?.cancel();
    this.#answer(beginning.channel, { kind: 'resume', offset: arrival.offset });
  }

  /** Returns the same image as far as it has come, or a new one. */
  #arrivalFor({ from, channel, frame }: Beginning): Arrival {
    const { snapshotId, point, sizeBytes } = frame;
    const known = this.#arrival;
    if (
      known?.from === from &&
      known.frame.snapshotId === snapshotId &&
      known.frame.sizeBytes === sizeBytes &&
      isSamePoint(known.frame.point, point)
    ) {
      return known;
    }
    this.#giveUp();
    const { logger, store } = this.#parts;
    logger.info('snapshot begins', { from, index: point.index, bytes: sizeBytes });
    const staging = store.stageImage(sizeBytes);
    this.#arrival = { from, frame, staging, offset: 0, chunksUnderWay: 0, isInstalling: false, channel };
    return this.#arrival;
  }

  #handleChunk(arrival: Arrival, { offset, bytes }: Frame<'chunk'>): void {
    const { staging, channel } = arrival;
    const { sizeBytes } = arrival.frame;
    const end = offset + bytes.length;
    if (offset !== arrival.offset) throw malformed(`byte ${offset} came where ${arrival.offset} was due`);
    if (bytes.length === 0 || end > sizeBytes)
      throw malformed(`a chunk ends at ${end} of ${sizeBytes} bytes`);
    if (arrival.chunksUnderWay >= MAX_CHUNKS_UNDER_WAY)
      throw malformed('more chunks came than may be under way');
    arrival.offset = end;
    arrival.chunksUnderWay += 1;
    staging.append(bytes, (error) => {
      arrival.chunksUnderWay -= 1;
      channel?.giveBack(bytes);
      this.#handleEnd(arrival, error, () => {
        this.#acknowledge(arrival, end);
        if (end === sizeBytes) this.#finish(arrival);
      });
      this.#run(() => this.#maybeStart());
    });
  }

  /** Handles the end of a request to the store. */
  #handleEnd(arrival: Arrival, error: Error | undefined, next: () => void): void {
    if (this.#arrival !== arrival) return;
    this.#run(() => {
      if (error === undefined) {
        next();
        return;
      }
      this.#fail(arrival, error.message);
      // The received bytes are useless. That says nothing about this node's disk.
      if (!(error instanceof CodedError) || error.code === 'storage_failed') throw error;
    });
  }

  /** The image is made durable and checked before anything in it is believed. */
  #finish(arrival: Arrival): void {
    const onProgress = (): void => this.#acknowledge(arrival, arrival.frame.sizeBytes);
    arrival.staging.finish(onProgress, (error) =>
      this.#handleEnd(arrival, error, () => this.#install(arrival)),
    );
  }

  #install(arrival: Arrival): void {
    const applied = this.#appliedOf(arrival);
    if (applied === undefined) return;
    arrival.isInstalling = true;
    const isWanted = this.#parts.install({ applied, staging: arrival.staging }, () => {
      this.#arrival = undefined;
      this.#answer(arrival.channel, { kind: 'installed', index: applied.index });
    });
    if (isWanted) return;
    arrival.isInstalling = false;
    this.#fail(arrival, 'the log has caught up meanwhile');
  }

  /** Returns undefined, and refuses the snapshot, when the image does not have the announced point. */
  #appliedOf(arrival: Arrival): AppliedRecord | undefined {
    try {
      const { point } = arrival.frame;
      const applied = loadAppliedRecord(arrival.staging);
      if (isSamePoint(applied, point)) return applied;
      this.#fail(arrival, `the image is of entry ${applied.index}, and ${point.index} was announced`);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#fail(arrival, error.message);
    }
    return undefined;
  }

  /** This transfer cannot be resumed. */
  #fail(arrival: Arrival, reason: string): void {
    const { channel } = arrival;
    this.#giveUp();
    this.#refuse(channel, reason);
  }

  #giveUp(): void {
    const arrival = this.#arrival;
    if (arrival === undefined) return;
    this.#arrival = undefined;
    arrival.forgetting?.cancel();
    arrival.staging.discard();
  }

  #refuse(channel: Channel | undefined, reason: string): void {
    if (channel !== undefined) this.#detach(channel);
    this.#parts.logger.info('snapshot not taken', { reason });
    this.#answer(channel, { kind: 'refused', reason });
  }

  #acknowledge({ channel }: Arrival, offset: number): void {
    this.#answer(channel, { kind: 'acknowledged', offset });
  }

  #answer(channel: Channel | undefined, frame: SnapshotFrame): void {
    channel?.send(encodeSnapshotFrame(frame), () => undefined);
  }

  /** The image waits a while for another channel. */
  #detach(channel: Channel): void {
    if (this.#beginning?.channel === channel) this.#beginning = undefined;
    const arrival = this.#arrival;
    if (arrival?.channel !== channel) return;
    arrival.channel = undefined;
    if (arrival.isInstalling) return;
    arrival.forgetting = this.#parts.clock.after(KEPT_MS, () => {
      if (this.#arrival === arrival && !arrival.isInstalling) this.#giveUp();
    });
  }
}
