// Snapshots in both directions: which followers are being sent one, and the one that is coming in.

import type { ServerId } from '../raft/configuration.ts';
import type { NodeLimits } from './options.ts';
import type { Channel, Clock, KeyValueStore, Logger, Transport } from './ports.ts';
import type { Replica } from './replica.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

/** Each holds a picture of the store, a connection, and a few chunks. */
const MAX_SENDERS = 2;
/** Pause after a failure before the follower may ask again. */
const RETRY_AFTER_MS = 1_000;

export interface SnapshotPorts {
  readonly replica: Replica;
  readonly store: KeyValueStore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Snapshots {
  readonly #ports: SnapshotPorts;
  readonly #options: { readonly boot: number; readonly limits: NodeLimits };
  readonly #senders = new Map<ServerId, SnapshotSender>();
  readonly #receiver: SnapshotReceiver;
  #sent = 0;
  #isStopped = false;

  constructor(ports: SnapshotPorts, options: { boot: number; limits: NodeLimits }) {
    this.#ports = ports;
    this.#options = options;
    const { replica } = ports;
    this.#receiver = new SnapshotReceiver(ports, {
      current: () => ({ term: replica.core.term, commitIndex: replica.core.commitIndex }),
      newStagingGeneration: () => replica.state.beginStaging(),
      install: (point, generation, done) => replica.install(point, generation, done),
    });
  }

  /** The core wants `to` to have a snapshot; it is told how that ended, always. */
  send(to: ServerId): void {
    const { core } = this.#ports.replica;
    if (this.#senders.size >= MAX_SENDERS || this.#senders.has(to)) {
      this.#ended(to, undefined);
      return;
    }
    this.#sent += 1;
    const sender = new SnapshotSender(
      this.#ports,
      {
        to,
        term: core.term,
        snapshotId: `${this.#options.boot}-${this.#sent}`,
        chunkBytes: this.#options.limits.snapshotChunkBytes,
        timeoutMs: this.#options.limits.snapshotTimeoutMs,
      },
      (installedIndex) => {
        this.#senders.delete(to);
        this.#ended(to, installedIndex);
      },
    );
    this.#senders.set(to, sender);
    this.#ports.logger.info('snapshot is being sent', { to, index: sender.point.index });
  }

  #ended(to: ServerId, installedIndex: number | undefined): void {
    const report = (): void => {
      if (this.#isStopped) return;
      this.#ports.replica.core.snapshotEnded(to, installedIndex);
      this.#ports.replica.schedule();
    };
    if (installedIndex !== undefined) report();
    else this.#ports.clock.after(RETRY_AFTER_MS, report);
  }

  receive(from: ServerId, channel: Channel): void {
    this.#receiver.accept(from, channel);
  }

  /** Entries above this must stay in the log: a snapshot on its way ends there. */
  compactionFloor(): number {
    let floor = Number.POSITIVE_INFINITY;
    for (const sender of this.#senders.values()) floor = Math.min(floor, sender.point.index);
    return floor;
  }

  /** A node that no longer leads, or whose follower is gone, stops sending. */
  tick(): void {
    const { core } = this.#ports.replica;
    for (const [to, sender] of this.#senders) {
      if (core.role !== 'leader') sender.cancel('this node no longer leads');
      else if (core.progressOf(to) === undefined) sender.cancel('the follower is no longer a member');
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const sender of this.#senders.values()) sender.cancel('the node stops');
  }
}
