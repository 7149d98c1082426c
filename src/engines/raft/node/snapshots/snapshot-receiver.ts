// Takes in a snapshot: the image of a leader's store is put together beside the own store, which serves as before, is
// checked, and takes the place of the state in one write. A broken connection is resumed where the image ends so far.

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

/** How long an image that nobody goes on with keeps its room on the disk. */
const KEPT_MS = 30_000;

export interface SnapshotReceiverPorts {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SnapshotReceiverHandlers {
  /** The term as this node knows it, and up to where it durably holds what is committed. */
  current(): { readonly term: number; readonly commitIndex: number; readonly durableCommitIndex: number };
  /** The image is whole, and of this applied record. False when the snapshot is not needed after all. */
  install(applied: AppliedRecord, staging: ImageStaging, done: () => void): boolean;
  /** Runs what a callback does: our own bugs and a broken disk stop the node there. */
  runOrStop(action: () => void): void;
}

/** A peer wants to bring a snapshot. */
interface Beginning {
  readonly from: ServerId;
  readonly channel: Channel;
  readonly frame: SnapshotFrame & { kind: 'begin' };
}

/** An image that comes in, on one channel after the other. */
interface Arrival {
  readonly from: ServerId;
  readonly snapshotId: string;
  readonly point: SnapshotPoint;
  readonly sizeBytes: number;
  readonly staging: ImageStaging;
  /** Where the bytes end that were handed to the store. */
  offset: number;
  /** Chunks that the store has not taken yet. */
  chunksUnderWay: number;
  isFinishing: boolean;
  isInstalling: boolean;
  /** The one that brings it now. */
  channel: Channel | undefined;
  /** Runs while there is none. */
  forgetting: Timer | undefined;
}

export class SnapshotReceiver {
  readonly #ports: SnapshotReceiverPorts;
  readonly #handlers: SnapshotReceiverHandlers;
  /** Invariant: an image that is not this one is installed or discarded. */
  #arrival: Arrival | undefined;
  /** It begins when the store has taken all that was handed to it before. */
  #beginning: Beginning | undefined;
  /** Channels on which a snapshot began: each brings one, or a peer that reads no answers would have them pile up. */
  readonly #begun = new WeakSet<Channel>();
  /** Chunks of any image that the store has not taken yet. */
  #chunksUnderWay = 0;
  #isStopped = false;

  constructor(ports: SnapshotReceiverPorts, handlers: SnapshotReceiverHandlers) {
    this.#ports = ports;
    this.#handlers = handlers;
  }

  /** A peer opened a channel to bring a snapshot. A later one takes the place of an earlier one. */
  accept(from: ServerId, channel: Channel): void {
    channel.onClose = () => this.#detach(channel);
    channel.onFrame = (bytes) => {
      if (!this.#isStopped) this.#handlers.runOrStop(() => this.#takeFrame(from, channel, bytes));
    };
  }

  /** Nothing more is staged or answered. */
  stop(): void {
    this.#isStopped = true;
    this.#arrival?.channel?.close();
    this.#beginning?.channel.close();
    this.#beginning = undefined;
    this.#giveUp();
  }

  /** Bytes that are not as they should be are the peer's fault, and end its snapshot. */
  #takeFrame(from: ServerId, channel: Channel, bytes: Uint8Array): void {
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
    // A channel that another has replaced.
    if (arrival === undefined || arrival.channel !== channel) return;
    if (frame.kind === 'chunk') this.#take(arrival, frame);
    else this.#refuse(channel, `a leader does not send '${frame.kind}'`);
  }

  #begin(beginning: Beginning): void {
    if (!this.#isTaken(beginning)) return;
    for (const other of [this.#arrival?.channel, this.#beginning?.channel]) {
      if (other !== undefined) this.#refuse(other, 'another channel took its place');
    }
    this.#beginning = beginning;
    this.#maybeStart();
  }

  /** Answers where it is not. */
  #isTaken({ channel, frame }: Beginning): boolean {
    const { term, commitIndex, durableCommitIndex } = this.#handlers.current();
    if (this.#arrival?.isInstalling === true) this.#refuse(channel, 'another snapshot is being installed');
    else if (frame.term < term) this.#refuse(channel, `term ${frame.term} is over, this is ${term}`);
    else if (frame.term > term) {
      // The log may never hold a term that is above the one on disk: the leader's next message brings it.
      this.#refuse(channel, `term ${frame.term} is not known here yet, this is ${term}`);
    } else if (frame.point.index <= durableCommitIndex) {
      // Installed before, and the answer was lost: to refuse would have the leader send snapshots for ever (trap 23).
      this.#answer(channel, { kind: 'installed', index: frame.point.index });
    } else if (frame.point.index <= commitIndex) {
      this.#refuse(channel, `entry ${frame.point.index} is on its way to the disk already`);
    } else return true;
    return false;
  }

  /** Chunks that are with the store count: whoever begins again and again must not have more of them there. */
  #maybeStart(): void {
    const beginning = this.#beginning;
    if (beginning === undefined || this.#chunksUnderWay > 0) return;
    this.#beginning = undefined;
    // The world may have changed meanwhile.
    if (!this.#isTaken(beginning)) return;
    const arrival = this.#arrivalFor(beginning);
    arrival.channel = beginning.channel;
    arrival.forgetting?.cancel();
    this.#answer(beginning.channel, { kind: 'resume', offset: arrival.offset });
  }

  /** What the same image has brought so far, or a new one. */
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

  #take(arrival: Arrival, { offset, bytes }: SnapshotFrame & { kind: 'chunk' }): void {
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
      this.#ended(arrival, error, () => {
        this.#acknowledge(arrival, end);
        if (end === sizeBytes) this.#finish(arrival);
      });
      this.#handlers.runOrStop(() => this.#maybeStart());
    });
  }

  /** What to do about the end of something that the store was asked for. */
  #ended(arrival: Arrival, error: Error | undefined, next: () => void): void {
    if (this.#isStopped || this.#arrival !== arrival) return;
    this.#handlers.runOrStop(() => {
      if (error === undefined) {
        next();
        return;
      }
      this.#fail(arrival, error.message);
      // What came is of no use, and says nothing about our own disk.
      if (!(error instanceof CodedError) || error.code === 'storage_failed') throw error;
    });
  }

  /** Durable, and checked, before anything of it is believed. */
  #finish(arrival: Arrival): void {
    arrival.isFinishing = true;
    const { staging, sizeBytes } = arrival;
    const onProgress = (): void => this.#acknowledge(arrival, sizeBytes);
    staging.finish(onProgress, (error) => this.#ended(arrival, error, () => this.#install(arrival)));
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

  /** Undefined, and the snapshot refused, where the image is not of the point that was announced. */
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

  /** It is not gone on from. */
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
