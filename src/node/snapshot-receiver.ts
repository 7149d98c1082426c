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
import { stagingOperations } from './state-store.ts';

/** Of all connections, with some that broke while the disk was slow: a peer must not fill the queue of the store. */
const MAX_CHUNKS_WRITING = 6 * MAX_CHUNKS_UNDER_WAY;

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

/** Rows staged so far, for one picture of one sender's store. */
interface Staging {
  readonly from: ServerId;
  readonly snapshotId: string;
  readonly point: SnapshotPoint;
  readonly generation: number;
  /** Invariant: every row up to here is staged durably. */
  lastKey: Uint8Array;
}

/** What one connection has brought. */
interface Session {
  readonly channel: Channel;
  readonly staging: Staging;
  nextSequence: number;
  rows: number;
  /** Chunks handed to the disk and not yet durable. */
  writing: number;
  /** Set when the sender said that there is no more. */
  expectedRows: number | undefined;
}

export class SnapshotReceiver {
  readonly #store: KeyValueStore;
  readonly #logger: Logger;
  readonly #handlers: SnapshotReceiverHandlers;
  #staging: Staging | undefined;
  #session: Session | undefined;
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
      if (this.#session?.channel === channel) this.#session = undefined;
    };
    channel.onFrame = (bytes) => {
      if (!this.#isStopped) this.#handlers.guarded(() => this.#takeFrame(from, channel, bytes));
    };
  }

  /** Nothing more is staged or answered. */
  stop(): void {
    this.#isStopped = true;
    this.#session?.channel.close();
    this.#session = undefined;
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
      this.#begin(from, channel, frame);
      return;
    }
    const session = this.#session;
    // A channel that another has replaced.
    if (session === undefined || session.channel !== channel) return;
    if (frame.kind === 'chunk') this.#stage(session, frame);
    else if (frame.kind === 'end') {
      session.expectedRows = frame.rowCount;
      this.#maybeInstall(session);
    } else this.#refuse(channel, `a leader does not send '${frame.kind}'`);
  }

  #begin(from: ServerId, channel: Channel, frame: SnapshotFrame & { kind: 'begin' }): void {
    if (this.#begun.has(channel)) throw malformed('one connection brings one snapshot');
    this.#begun.add(channel);
    const { term, commitIndex, durableCommitIndex } = this.#handlers.current();
    if (this.#isInstalling) {
      this.#refuse(channel, 'another snapshot is being installed');
      return;
    }
    if (frame.term < term) {
      this.#refuse(channel, `term ${frame.term} is over, this is ${term}`);
      return;
    }
    if (frame.term > term) {
      // The log may never hold a term that is above the one on disk: the leader's next message brings it.
      this.#refuse(channel, `term ${frame.term} is not known here yet, this is ${term}`);
      return;
    }
    if (frame.point.index <= durableCommitIndex) {
      // Installed before, and the answer was lost: to refuse would have the leader send snapshots for ever (trap 23).
      this.#answer(channel, { kind: 'installed', index: frame.point.index });
      return;
    }
    if (frame.point.index <= commitIndex) {
      this.#refuse(channel, `entry ${frame.point.index} is on its way to the disk already`);
      return;
    }
    if (this.#session !== undefined) this.#refuse(this.#session.channel, 'another channel took its place');
    const staging = this.#stagingFor(from, frame);
    this.#session = { channel, staging, nextSequence: 0, rows: 0, writing: 0, expectedRows: undefined };
    this.#answer(channel, { kind: 'resume', afterKey: staging.lastKey });
  }

  /** What the same picture has brought so far, or a new beginning. */
  #stagingFor(from: ServerId, { snapshotId, point }: SnapshotFrame & { kind: 'begin' }): Staging {
    const known = this.#staging;
    if (known !== undefined && known.from === from && known.snapshotId === snapshotId) return known;
    const generation = this.#handlers.newStagingGeneration();
    const staging = { from, snapshotId, point, generation, lastKey: new Uint8Array(0) };
    this.#staging = staging;
    this.#logger.info('snapshot begins', { from, index: point.index });
    return staging;
  }

  #stage(session: Session, frame: SnapshotFrame & { kind: 'chunk' }): void {
    const { channel, staging } = session;
    if (frame.sequence !== session.nextSequence) {
      this.#refuse(channel, `chunk ${frame.sequence} came where ${session.nextSequence} was due`);
      return;
    }
    if (session.writing >= MAX_CHUNKS_UNDER_WAY || this.#chunksWriting >= MAX_CHUNKS_WRITING) {
      throw malformed('more chunks came than may be under way');
    }
    const operations = stagingOperations(staging.generation, frame.rows);
    const lastKey = frame.rows.at(-1)?.key ?? staging.lastKey;
    session.nextSequence += 1;
    session.rows += frame.rows.length;
    session.writing += 1;
    this.#chunksWriting += 1;
    this.#store.write(operations, (error) => {
      session.writing -= 1;
      this.#chunksWriting -= 1;
      if (this.#isStopped) return;
      this.#handlers.guarded(() => {
        if (error === undefined) this.#staged(session, { sequence: frame.sequence, lastKey });
        else this.#notStaged(session, error);
      });
    });
  }

  #staged(session: Session, chunk: { sequence: number; lastKey: Uint8Array }): void {
    session.staging.lastKey = chunk.lastKey;
    if (this.#session !== session) return;
    this.#answer(session.channel, { kind: 'acknowledged', sequence: chunk.sequence });
    this.#maybeInstall(session);
  }

  /** Chunks after this one may be durable: what was staged has a hole, and is never gone on from. */
  #notStaged({ channel, staging }: Session, error: Error): void {
    if (this.#staging === staging) this.#staging = undefined;
    this.#refuse(channel, error.message);
    if (!(error instanceof CodedError) || error.code !== 'disk_full') throw error;
  }

  #maybeInstall(session: Session): void {
    if (session.expectedRows === undefined || session.writing > 0 || this.#isInstalling) return;
    const { channel, staging } = session;
    this.#staging = undefined;
    if (session.rows !== session.expectedRows) {
      this.#refuse(channel, `${session.rows} rows came of ${session.expectedRows}`);
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
    if (this.#session?.channel === channel) this.#session = undefined;
    this.#logger.info('snapshot not taken', { reason });
    this.#answer(channel, { kind: 'refused', reason });
  }

  #answer(channel: Channel, frame: SnapshotFrame): void {
    channel.send(encodeSnapshotFrame(frame), () => undefined);
  }
}
