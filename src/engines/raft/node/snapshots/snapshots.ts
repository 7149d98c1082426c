// Snapshots in both directions: those being sent to followers, and the one coming in.

import type { ServerId } from '../../core/configuration.ts';
import type { RaftLimits } from '../options.ts';
import type { Participant } from '../participant.ts';
import type { Channel } from '../ports/transport.ts';
import type { Replica } from '../replica.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender, type SnapshotSenderPorts } from './snapshot-sender.ts';

/** Each sender holds an image of the store, a connection, and a few chunks. */
const MAX_SENDERS = 2;
/** Pause after a failure before the follower may ask again. */
const RETRY_AFTER_MS = 1_000;
/** How long the log keeps entries for a follower that has its snapshot and lacks the entries since. */
const CATCH_UP_MS = 30_000;

interface SnapshotPorts extends SnapshotSenderPorts {
  readonly replica: Replica;
}

export class Snapshots implements Participant {
  readonly #ports: SnapshotPorts;
  readonly #options: { readonly boot: number; readonly limits: RaftLimits };
  readonly #senders = new Map<ServerId, SnapshotSender>();
  /** Until when the entries after a delivered snapshot are kept for its follower. */
  readonly #catchingUp = new Map<ServerId, number>();
  readonly #receiver: SnapshotReceiver;
  #sent = 0;
  #isStopped = false;

  constructor(ports: SnapshotPorts, options: { boot: number; limits: RaftLimits }) {
    this.#ports = ports;
    this.#options = options;
    this.#receiver = new SnapshotReceiver({
      ...ports,
      install: (snapshot, done) => {
        const isWanted = ports.replica.install(snapshot, done);
        // The images that this node was sending are of a store that is replaced now.
        if (isWanted) this.#cancelSenders('this node installs a snapshot');
        return isWanted;
      },
    });
  }

  /** Sends `to` a snapshot. The core is always told how that ended. */
  onSnapshotWanted(to: ServerId): void {
    const { core } = this.#ports.replica;
    if (this.#senders.size >= MAX_SENDERS || this.#senders.has(to)) {
      this.#onEnd(to, undefined);
      return;
    }
    const { boot, limits } = this.#options;
    this.#sent += 1;
    const options = { to, term: core.term, snapshotId: `${boot}-${this.#sent}`, limits };
    const sender = new SnapshotSender(this.#ports, options, (installedIndex) => {
      this.#senders.delete(to);
      this.#onEnd(to, installedIndex);
    });
    this.#senders.set(to, sender);
  }

  #cancelSenders(reason: string): void {
    for (const sender of this.#senders.values()) sender.cancel(reason);
  }

  #onEnd(to: ServerId, installedIndex: number | undefined): void {
    if (this.#isStopped) return;
    const { clock, replica } = this.#ports;
    const report = (): void => {
      if (this.#isStopped) return;
      replica.runOrStop(() => replica.core.onSnapshotEnded(to, installedIndex));
      replica.schedule();
    };
    if (installedIndex === undefined) {
      clock.after(RETRY_AFTER_MS, report);
      return;
    }
    this.#catchingUp.set(to, clock.now() + CATCH_UP_MS);
    report();
  }

  onChannel(from: ServerId, channel: Channel): void {
    this.#receiver.accept(from, channel);
  }

  /**
   * Entries above this index must stay in the log: a snapshot on its way ends there, or a follower continues
   * there. Otherwise a busy leader would compact entries that the follower needs next, and start again for
   * ever.
   */
  compactionFloor(): number {
    let floor = Number.POSITIVE_INFINITY;
    for (const sender of this.#senders.values()) floor = Math.min(floor, sender.point?.index ?? 0);
    for (const to of this.#catchingUp.keys()) {
      const match = this.#ports.replica.core.progressOf(to)?.match;
      if (match !== undefined) floor = Math.min(floor, match);
    }
    return floor;
  }

  /** Stops sending when this node no longer leads or the follower is gone. */
  onTick(): void {
    const { core } = this.#ports.replica;
    for (const [to, sender] of this.#senders) {
      if (core.role !== 'leader') sender.cancel('this node no longer leads');
      else if (core.progressOf(to) === undefined) sender.cancel('the follower is no longer a member');
    }
    const now = this.#ports.clock.now();
    for (const [to, until] of this.#catchingUp) {
      if (now >= until || this.#hasCaughtUp(to)) this.#catchingUp.delete(to);
    }
  }

  /** Also true for a server that is no longer a member, and on a node that no longer leads. */
  #hasCaughtUp(to: ServerId): boolean {
    const { core } = this.#ports.replica;
    const progress = core.progressOf(to);
    return progress === undefined || core.lastLogIndex - progress.match <= this.#options.limits.keepEntries;
  }

  onStop(): void {
    this.#isStopped = true;
    this.#cancelSenders('the node stops');
    this.#receiver.stop();
  }
}
