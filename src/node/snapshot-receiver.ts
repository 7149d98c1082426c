// Takes in a snapshot: rows are staged durably under a generation of their own while the old state still serves,
// and become the state in one write. A broken connection is resumed where staging stopped.

import type { ServerId } from '../raft/configuration.ts';
import type { SnapshotPoint } from '../raft/ready.ts';
import type { Channel, KeyValueStore, Logger } from './ports.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';
import { stagingOperations } from './state-store.ts';

export interface SnapshotReceiverHandlers {
  /** The leader's term, as this node knows it, and its commit index. */
  current(): { readonly term: number; readonly commitIndex: number };
  /** A generation that no row on disk belongs to; protected from clean-up until the next call or an install. */
  newStagingGeneration(): number;
  /** Every row is staged. False when the snapshot is not needed after all. */
  install(point: SnapshotPoint, generation: number, done: () => void): boolean;
}

/** Rows staged so far, for one picture of one sender's store. */
interface Staging {
  readonly from: ServerId;
  readonly snapshotId: string;
  readonly point: SnapshotPoint;
  readonly generation: number;
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
  #isInstalling = false;

  constructor(ports: { store: KeyValueStore; logger: Logger }, handlers: SnapshotReceiverHandlers) {
    this.#store = ports.store;
    this.#logger = ports.logger;
    this.#handlers = handlers;
  }

  /** A peer opened a channel to bring a snapshot. A later one replaces an earlier one. */
  accept(from: ServerId, channel: Channel): void {
    channel.onClose = () => {
      if (this.#session?.channel === channel) this.#session = undefined;
    };
    channel.onFrame = (bytes) => {
      try {
        this.#handleFrame(from, channel, decodeSnapshotFrame(bytes));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#logger.warn('snapshot refused', { from, reason });
        this.#answer(channel, { kind: 'refused', reason });
        channel.close();
      }
    };
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
    const { term, commitIndex } = this.#handlers.current();
    if (this.#isInstalling) {
      this.#refuse(channel, 'another snapshot is being installed');
      return;
    }
    if (frame.term < term) {
      this.#refuse(channel, `term ${frame.term} is over, this is ${term}`);
      return;
    }
    if (frame.point.index <= commitIndex) {
      this.#refuse(channel, `entry ${frame.point.index} is here already`);
      return;
    }
    let staging = this.#staging;
    if (staging === undefined || staging.from !== from || staging.snapshotId !== frame.snapshotId) {
      staging = {
        from,
        snapshotId: frame.snapshotId,
        point: frame.point,
        generation: this.#handlers.newStagingGeneration(),
        lastKey: new Uint8Array(0),
      };
      this.#staging = staging;
      this.#logger.info('snapshot begins', { from, index: frame.point.index });
    }
    this.#session = { channel, staging, nextSequence: 0, rows: 0, writing: 0, expectedRows: undefined };
    this.#answer(channel, { kind: 'resume', afterKey: staging.lastKey });
  }

  #stage(session: Session, frame: SnapshotFrame & { kind: 'chunk' }): void {
    const { channel, staging } = session;
    if (frame.sequence !== session.nextSequence) {
      this.#refuse(channel, `chunk ${frame.sequence} came where ${session.nextSequence} was due`);
      return;
    }
    session.nextSequence += 1;
    session.rows += frame.rows.length;
    session.writing += 1;
    const lastKey = frame.rows.at(-1)?.key ?? staging.lastKey;
    this.#store.write(stagingOperations(staging.generation, frame.rows), (error) => {
      session.writing -= 1;
      if (error !== undefined) {
        this.#refuse(channel, error.message);
        return;
      }
      staging.lastKey = lastKey;
      if (this.#session !== session) return;
      this.#answer(channel, { kind: 'acknowledged', sequence: frame.sequence });
      this.#maybeInstall(session);
    });
  }

  #maybeInstall(session: Session): void {
    if (session.expectedRows === undefined || session.writing > 0 || this.#isInstalling) return;
    const { channel, staging } = session;
    if (session.rows !== session.expectedRows) {
      this.#staging = undefined;
      this.#refuse(channel, `${session.rows} rows came of ${session.expectedRows}`);
      return;
    }
    this.#isInstalling = true;
    this.#staging = undefined;
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
