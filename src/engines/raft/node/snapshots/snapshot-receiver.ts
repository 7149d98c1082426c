// Receives a snapshot: stages the image of a leader's store beside this node's store, which keeps serving,
// checks it, and has it replace the state in one write. A broken connection resumes where the image ends so
// far.

import { CodedError } from '../../../../shared/coded-error.ts';
import type { Logger } from '../../../../shared/logger.ts';
import { malformed } from '../../codec/malformed.ts';
import type { ServerId } from '../../core/configuration.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import { type AppliedRecord, isSamePoint, loadAppliedRecord } from '../log/durable-records.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { ImageStaging, KeyValueStore } from '../ports/key-value-store.ts';
import type { Channel } from '../ports/transport.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  MAX_CHUNKS_UNDER_WAY,
  type SnapshotFrame,
} from './snapshot-frames.ts';

/** How long an incomplete image keeps its disk space without a connection. */
const KEPT_MS = 30_000;

interface SnapshotReceiverPorts {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface SnapshotReceiverHandlers {
  /**
   * The term as this node knows it, and the indexes up to which it knows and durably holds what is committed.
   */
  current(): { readonly term: number; readonly commitIndex: number; readonly durableCommitIndex: number };
  /**
   * The image is complete, with this applied record. Returns false when the snapshot is not needed after all.
   */
  install(applied: AppliedRecord, staging: ImageStaging, done: () => void): boolean;
  /** Runs `action`. Our own bugs and a broken disk stop the node. */
  runOrStop(action: () => void): void;
}

/** A peer's wish to send a snapshot. */
interface Beginning {
  readonly from: ServerId;
  readonly channel: Channel;
  readonly frame: SnapshotFrame & { kind: 'begin' };
}

/** An incoming image, over one channel after the other. */
interface Arrival {
  readonly from: ServerId;
  readonly snapshotId: string;
  readonly point: SnapshotPoint;
  readonly sizeBytes: number;
  readonly staging: ImageStaging;
  /** The end of the bytes that the store was given. */
  offset: number;
  /** Chunks that the store has not taken yet. */
  chunksUnderWay: number;
  isFinishing: boolean;
  isInstalling: boolean;
  /** The channel that brings the image now. */
  channel: Channel | undefined;
  /** Runs while there is no channel. */
  forgetting: Timer | undefined;
}

export class SnapshotReceiver {
  readonly #ports: SnapshotReceiverPorts;
  readonly #handlers: SnapshotReceiverHandlers;
  /** Invariant: every other image is installed or discarded. */
  #arrival: Arrival | undefined;
  /** Waits until the store has taken all chunks that it was given before. */
  #beginning: Beginning | undefined;
  /**
   * Channels on which a snapshot began. Each brings one: otherwise answers would pile up at a peer that reads
   * none.
   */
  readonly #begun = new WeakSet<Channel>();
  /** Chunks of any image that the store has not taken yet. */
  #chunksUnderWay = 0;
  #isStopped = false;

  constructor(ports: SnapshotReceiverPorts, handlers: SnapshotReceiverHandlers) {
    this.#ports = ports;
    this.#handlers = handlers;
  }

  /** A peer opened a channel to send a snapshot. A later channel replaces an earlier one. */
  accept(from: ServerId, channel: Channel): void {
    channel.onClose = () => this.#detach(channel);
    channel.onFrame = (bytes) => {
      if (!this.#isStopped) this.#handlers.runOrStop(() => this.#handleBytes(from, channel, bytes));
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
    if (frame.kind === 'begin') {
      if (this.#begun.has(channel)) throw malformed('one connection brings one snapshot');
      this.#begun.add(channel);
      this.#begin({ from, channel, frame });
      return;
    }
    const arrival = this.#arrival;
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
    const { term, commitIndex, durableCommitIndex } = this.#handlers.current();
    if (this.#arrival?.isInstalling === true) this.#refuse(channel, 'another snapshot is being installed');
    else if (frame.term < term) this.#refuse(channel, `term ${frame.term} is over, this is ${term}`);
    else if (frame.term > term) {
      // The log must never hold a term above the one on disk. The leader's next message brings the term.
      this.#refuse(channel, `term ${frame.term} is not known here yet, this is ${term}`);
    } else if (frame.point.index <= durableCommitIndex) {
      // It was installed before, and the answer was lost. A refusal would make the leader send snapshots for
      // ever (trap 23).
      this.#answer(channel, { kind: 'installed', index: frame.point.index });
    } else if (frame.point.index <= commitIndex) {
      this.#refuse(channel, `entry ${frame.point.index} is on its way to the disk already`);
    } else return false;
    return true;
  }

  /** Starts when the store has no chunk left. A peer that begins again and again must not add to those. */
  #maybeStart(): void {
    const beginning = this.#beginning;
    if (beginning === undefined || this.#chunksUnderWay > 0) return;
    this.#beginning = undefined;
    // The node may have changed while the beginning waited.
    if (this.#maybeTurnDown(beginning)) return;
    const arrival = this.#arrivalFor(beginning);
    arrival.channel = beginning.channel;
    arrival.forgetting?.cancel();
    this.#answer(beginning.channel, { kind: 'resume', offset: arrival.offset });
  }

  /** Returns the same image as far as it has come, or a new one. */
  #arrivalFor({ from, frame }: Beginning): Arrival {
    const { snapshotId, point, sizeBytes } = frame;
    const known = this.#arrival;
    const isKnown = known?.from === from && known.snapshotId === snapshotId && known.sizeBytes === sizeBytes;
    if (isKnown && isSamePoint(known.point, point)) return known;
    this.#giveUp();
    this.#ports.logger.info('snapshot begins', { from, index: point.index, bytes: sizeBytes });
    this.#arrival = {
      from,
      snapshotId,
      point,
      sizeBytes,
      staging: this.#ports.store.stageImage(sizeBytes),
      offset: 0,
      chunksUnderWay: 0,
      isFinishing: false,
      isInstalling: false,
      channel: undefined,
      forgetting: undefined,
    };
    return this.#arrival;
  }

  #handleChunk(arrival: Arrival, { offset, bytes }: SnapshotFrame & { kind: 'chunk' }): void {
    const { staging, sizeBytes, channel } = arrival;
    const end = offset + bytes.length;
    if (offset !== arrival.offset) throw malformed(`byte ${offset} came where ${arrival.offset} was due`);
    if (bytes.length === 0 || end > sizeBytes)
      throw malformed(`a chunk ends at ${end} of ${sizeBytes} bytes`);
    if (arrival.chunksUnderWay >= MAX_CHUNKS_UNDER_WAY)
      throw malformed('more chunks came than may be under way');
    arrival.offset = end;
    arrival.chunksUnderWay += 1;
    this.#chunksUnderWay += 1;
    staging.append(bytes, (error) => {
      this.#chunksUnderWay -= 1;
      arrival.chunksUnderWay -= 1;
      channel?.giveBack(bytes);
      this.#handleEnd(arrival, error, () => {
        this.#acknowledge(arrival, end);
        if (end === sizeBytes) this.#finish(arrival);
      });
      this.#handlers.runOrStop(() => this.#maybeStart());
    });
  }

  /** Handles the end of a request to the store. */
  #handleEnd(arrival: Arrival, error: Error | undefined, next: () => void): void {
    if (this.#isStopped || this.#arrival !== arrival) return;
    this.#handlers.runOrStop(() => {
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
    arrival.isFinishing = true;
    const { staging, sizeBytes } = arrival;
    const onProgress = (): void => this.#acknowledge(arrival, sizeBytes);
    staging.finish(onProgress, (error) => this.#handleEnd(arrival, error, () => this.#install(arrival)));
  }

  #install(arrival: Arrival): void {
    const { staging, point } = arrival;
    const applied = this.#appliedOf(arrival);
    if (applied === undefined) return;
    arrival.isInstalling = true;
    const isWanted = this.#handlers.install(applied, staging, () => {
      const { channel } = arrival;
      this.#arrival = undefined;
      if (channel !== undefined) this.#answer(channel, { kind: 'installed', index: point.index });
    });
    if (isWanted) return;
    arrival.isInstalling = false;
    this.#fail(arrival, 'the log has caught up meanwhile');
  }

  /** Returns undefined, and refuses the snapshot, when the image does not have the announced point. */
  #appliedOf(arrival: Arrival): AppliedRecord | undefined {
    try {
      const applied = loadAppliedRecord(arrival.staging);
      if (isSamePoint(applied, arrival.point)) return applied;
      this.#fail(arrival, `the image is of entry ${applied.index}, and ${arrival.point.index} was announced`);
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
    if (channel !== undefined) this.#refuse(channel, reason);
    else this.#ports.logger.info('snapshot not taken', { reason });
  }

  #giveUp(): void {
    const arrival = this.#arrival;
    if (arrival === undefined) return;
    this.#arrival = undefined;
    // Its chunks that are under way are not reported any more.
    this.#chunksUnderWay -= arrival.chunksUnderWay;
    arrival.forgetting?.cancel();
    arrival.staging.discard();
  }

  #refuse(channel: Channel, reason: string): void {
    this.#detach(channel);
    this.#ports.logger.info('snapshot not taken', { reason });
    this.#answer(channel, { kind: 'refused', reason });
  }

  #acknowledge({ channel }: Arrival, offset: number): void {
    if (channel !== undefined) this.#answer(channel, { kind: 'acknowledged', offset });
  }

  #answer(channel: Channel, frame: SnapshotFrame): void {
    channel.send(encodeSnapshotFrame(frame), () => undefined);
  }

  /** The image waits a while for another channel. */
  #detach(channel: Channel): void {
    if (this.#beginning?.channel === channel) this.#beginning = undefined;
    const arrival = this.#arrival;
    if (arrival?.channel !== channel) return;
    arrival.channel = undefined;
    if (arrival.isInstalling || this.#isStopped) return;
    arrival.forgetting = this.#ports.clock.after(KEPT_MS, () => {
      if (this.#arrival === arrival && !arrival.isInstalling) this.#giveUp();
    });
  }
}
