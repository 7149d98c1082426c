// Takes in a snapshot: rows are staged durably under a generation of their own while the old state still serves,
// and become the state in one write. A broken connection is resumed where staging stopped.

import { malformed } from '../codec/malformed.ts';
import type { ServerId } from '../raft/configuration.ts';
import type { SnapshotPoint } from '../raft/ready.ts';
import { CodedError } from '../shared/coded-error.ts';
import type { Channel, KeyValueStore, Logger } from './ports.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  MAX_CHUNKS_UNDER_WAY,
  type SnapshotFrame,
} from './snapshot-frames.ts';
import { RowStager, type SnapshotRows } from './snapshot-rows.ts';

/** Chunks that are with the store: one that it writes, and one taken apart meanwhile. Others wait as the bytes they are. */
const MAX_CHUNKS_WRITING = 2;

export interface SnapshotReceiverHandlers {
  /** The term as this node knows it, and up to where it durably holds what is committed. */
  current(): { readonly term: number; readonly commitIndex: number; readonly durableCommitIndex: number };
  /** A generation that no row on disk belongs to; protected from clean-up until the next call or an install. */
  newStagingGeneration(): number;
  /** Every row is staged. False when the snapshot is not needed after all. */
  install(point: SnapshotPoint, generation: number, done: () => void): boolean;
  /** Runs what a callback does: our own bugs and a broken disk stop the node there. */
  guarded(action: () => void): void;
}

/** A peer wants to bring a snapshot. */
interface Beginning {
  readonly from: ServerId;
  readonly channel: Channel;
  readonly frame: SnapshotFrame & { kind: 'begin' };
}

/** Rows staged so far, for one picture of one sender's store. */
interface Staging {
  readonly from: ServerId;
  readonly snapshotId: string;
  readonly point: SnapshotPoint;
  readonly generation: number;
  readonly stager: RowStager;
  /** Invariant: every row up to here is staged durably. */
  lastKey: Uint8Array;
}

interface ChunkWrite {
  readonly sequence: number;
  readonly lastKey: Uint8Array;
  /** The store ends its writes in any order; what is durable here counts once all before it is. */
  isDurable: boolean;
}

/** What one connection has brought. */
interface Session {
  readonly channel: Channel;
  readonly staging: Staging;
  nextSequence: number;
  /** Of rows that were handed to the disk. */
  rows: number;
  /** The last key that was handed to the disk. */
  lastKey: Uint8Array;
  /** Chunks that wait to be handed to the disk, oldest first. */
  readonly waiting: { readonly sequence: number; readonly rows: SnapshotRows }[];
  /** Chunks handed to the disk, from the first that is not durable on. */
  readonly writing: ChunkWrite[];
  /** Set when the sender said that there is no more. */
  expectedRows: number | undefined;
}

export class SnapshotReceiver {
  readonly #store: KeyValueStore;
  readonly #logger: Logger;
  readonly #handlers: SnapshotReceiverHandlers;
  #staging: Staging | undefined;
  #session: Session | undefined;
  /** It begins when the disk has ended all that was handed to it before. */
  #beginning: Beginning | undefined;
  /** Channels on which a snapshot began: each brings one, or a peer that reads no answers would have them pile up. */
  readonly #begun = new WeakSet<Channel>();
  /** Chunks of any session that were handed to the disk. */
  #chunksWriting = 0;
  #isInstalling = false;
  #isStopped = false;

  constructor(ports: { store: KeyValueStore; logger: Logger }, handlers: SnapshotReceiverHandlers) {
    this.#store = ports.store;
    this.#logger = ports.logger;
    this.#handlers = handlers;
  }

  /** A peer opened a channel to bring a snapshot. A later one takes the place of an earlier one. */
  accept(from: ServerId, channel: Channel): void {
    channel.onClose = () => {
      this.#forget(channel);
    };
    channel.onFrame = (bytes) => {
      if (!this.#isStopped) this.#handlers.guarded(() => this.#takeFrame(from, channel, bytes));
    };
  }

  /** Nothing more is staged or answered. */
  stop(): void {
    this.#isStopped = true;
    this.#session?.channel.close();
    this.#beginning?.channel.close();
    this.#session = undefined;
    this.#beginning = undefined;
  }

  #takeFrame(from: ServerId, channel: Channel, bytes: Uint8Array): void {
    this.#blaming(channel, () => this.#handleFrame(from, channel, decodeSnapshotFrame(bytes)));
  }

  /** Bytes that are not as they should be are the peer's fault, and end its snapshot. */
  #blaming(channel: Channel, action: () => void): void {
    try {
      action();
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
    const session = this.#session;
    // A channel that another has replaced.
    if (session === undefined || session.channel !== channel) return;
    if (frame.kind === 'chunk') this.#take(session, frame);
    else if (frame.kind === 'end') {
      session.expectedRows = frame.rowCount;
      this.#maybeInstall(session);
    } else this.#refuse(channel, `a leader does not send '${frame.kind}'`);
  }

  #begin(beginning: Beginning): void {
    if (!this.#isTaken(beginning)) return;
    for (const other of [this.#session?.channel, this.#beginning?.channel]) {
      if (other !== undefined) this.#refuse(other, 'another channel took its place');
    }
    this.#beginning = beginning;
    this.#maybeStart();
  }

  /** Answers where it is not. */
  #isTaken({ channel, frame }: Beginning): boolean {
    const { term, commitIndex, durableCommitIndex } = this.#handlers.current();
    if (this.#isInstalling) this.#refuse(channel, 'another snapshot is being installed');
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

  /**
   * Waits for what other sessions have handed to the disk: rows that come again must not be written while they are, and
   * what is given up must not be written after the search for garbage has passed it.
   */
  #maybeStart(): void {
    const beginning = this.#beginning;
    if (beginning === undefined || this.#chunksWriting > 0) return;
    this.#beginning = undefined;
    // The world may have changed meanwhile.
    if (!this.#isTaken(beginning)) return;
    const { channel } = beginning;
    const staging = this.#stagingFor(beginning);
    const { lastKey } = staging;
    this.#session = {
      channel,
      staging,
      nextSequence: 0,
      rows: 0,
      lastKey,
      waiting: [],
      writing: [],
      expectedRows: undefined,
    };
    this.#answer(channel, { kind: 'resume', afterKey: lastKey });
  }

  /** What the same picture has brought so far, or a new beginning. */
  #stagingFor({ from, frame }: Beginning): Staging {
    const { snapshotId, point } = frame;
    const known = this.#staging;
    if (known !== undefined && known.from === from && known.snapshotId === snapshotId) return known;
    const generation = this.#handlers.newStagingGeneration();
    const stager = new RowStager({ from: frame.generation, to: generation });
    const staging = { from, snapshotId, point, generation, stager, lastKey: new Uint8Array(0) };
    this.#staging = staging;
    this.#logger.info('snapshot begins', { from, index: point.index });
    return staging;
  }

  #take(session: Session, { sequence, rows }: SnapshotFrame & { kind: 'chunk' }): void {
    if (sequence !== session.nextSequence) {
      this.#refuse(session.channel, `chunk ${sequence} came where ${session.nextSequence} was due`);
      return;
    }
    if (session.waiting.length + session.writing.length >= MAX_CHUNKS_UNDER_WAY) {
      throw malformed('more chunks came than may be under way');
    }
    session.nextSequence += 1;
    session.waiting.push({ sequence, rows });
    this.#stageWaiting(session);
  }

  #stageWaiting(session: Session): void {
    while (this.#session === session && this.#chunksWriting < MAX_CHUNKS_WRITING) {
      const chunk = session.waiting.shift();
      if (chunk === undefined) return;
      const { operations, lastKey } = session.staging.stager.stage(chunk.rows, session.lastKey);
      session.rows += chunk.rows.count;
      session.lastKey = lastKey;
      const write = { sequence: chunk.sequence, lastKey, isDurable: false };
      session.writing.push(write);
      this.#chunksWriting += 1;
      this.#store.writeApart(operations, (error) => {
        this.#chunksWriting -= 1;
        if (this.#isStopped) return;
        this.#handlers.guarded(() => {
          if (error === undefined) this.#staged(session, write);
          else this.#notStaged(session, error);
          this.#maybeStart();
        });
      });
    }
  }

  #staged(session: Session, write: ChunkWrite): void {
    write.isDurable = true;
    const { channel, staging, writing } = session;
    let last: ChunkWrite | undefined;
    while (writing[0]?.isDurable === true) last = writing.shift();
    if (last !== undefined) staging.lastKey = last.lastKey;
    if (this.#session !== session) return;
    if (last !== undefined) this.#answer(channel, { kind: 'acknowledged', sequence: last.sequence });
    this.#blaming(channel, () => this.#stageWaiting(session));
    this.#maybeInstall(session);
  }

  /** Chunks after this one may be durable: what was staged has a hole, and is never gone on from. */
  #notStaged({ channel, staging }: Session, error: Error): void {
    if (this.#staging === staging) this.#staging = undefined;
    this.#refuse(channel, error.message);
    if (!(error instanceof CodedError) || error.code !== 'disk_full') throw error;
  }

  #maybeInstall(session: Session): void {
    const { channel, staging, waiting, writing, expectedRows } = session;
    const isWhole = expectedRows !== undefined && waiting.length === 0 && writing.length === 0;
    if (!isWhole || this.#session !== session || this.#isInstalling) return;
    this.#staging = undefined;
    if (session.rows !== expectedRows) {
      this.#refuse(channel, `${session.rows} rows came of ${expectedRows}`);
      return;
    }
    this.#isInstalling = true;
    const isWanted = this.#handlers.install(staging.point, staging.generation, () => {
      this.#isInstalling = false;
      this.#session = undefined;
      this.#answer(channel, { kind: 'installed', index: staging.point.index });
    });
    if (isWanted) return;
    this.#isInstalling = false;
    this.#refuse(channel, 'the log has caught up meanwhile');
  }

  #refuse(channel: Channel, reason: string): void {
    this.#forget(channel);
    this.#logger.info('snapshot not taken', { reason });
    this.#answer(channel, { kind: 'refused', reason });
  }

  #answer(channel: Channel, frame: SnapshotFrame): void {
    channel.send(encodeSnapshotFrame(frame), () => undefined);
  }

  #forget(channel: Channel): void {
    if (this.#session?.channel === channel) this.#session = undefined;
    if (this.#beginning?.channel === channel) this.#beginning = undefined;
  }
}
