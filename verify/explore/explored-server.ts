// One server: the real core over a disk image, given one input at a time.

import type { Configuration, ServerId } from '../../src/engines/raft/core/configuration.ts';
import type { Entry } from '../../src/engines/raft/core/entry.ts';
import type { Message } from '../../src/engines/raft/core/message.ts';
import { RaftCore } from '../../src/engines/raft/core/raft-core.ts';
import { isEmpty } from '../../src/engines/raft/core/take-ready.ts';
import { assert, present } from '../../src/shared/assert.ts';
import type { Random } from '../../src/shared/seeded-generator.ts';
import { afterWrite, type DiskImage, type DiskWrite, durableStateOf, readerOf } from './explored-disk.ts';
import { promiseBrokenBy } from './promises.ts';

export type Input =
  | { readonly kind: 'deliver'; readonly message: Message }
  /** A heartbeat interval passes on a leader, an election time-out on any other server. */
  | { readonly kind: 'time-out' }
  /** The pending write becomes durable. */
  | { readonly kind: 'written' }
  | { readonly kind: 'propose'; readonly command: number }
  | { readonly kind: 'change'; readonly configuration: Configuration };

interface Output {
  readonly sent: readonly Message[];
  readonly applied: readonly Entry[];
  /** The first promise of a message that the disk does not keep. */
  readonly brokenPromise: string | undefined;
}

export const ELECTION_TICKS = 2;

/** Always the shortest time-out: the explorer chooses its moment. */
const NO_JITTER: Random = { nextUint32: () => 0, below: () => 0, chance: () => false };

export class ExploredServer {
  readonly core: RaftCore;
  disk: DiskImage;
  write: DiskWrite | undefined;

  constructor(server: ServerId, disk: DiskImage, initial: Configuration) {
    this.disk = disk;
    this.core = new RaftCore(
      {
        server,
        electionTicks: ELECTION_TICKS,
        heartbeatTicks: 1,
        random: NO_JITTER,
        // One entry per message gives the finest interleaving.
        maxAppendBytes: 1,
        maxApplyBytes: 1,
        maxUncommittedBytes: 1_000_000,
      },
      readerOf(() => this.disk),
      durableStateOf(disk, initial),
    );
  }

  /**
   * Handles one input and everything that follows from it on this server. Throws the core's assertion errors.
   */
  handle(input: Input): Output {
    switch (input.kind) {
      case 'deliver':
        this.core.step(input.message);
        break;
      case 'time-out':
        this.#timeOut();
        break;
      case 'written':
        this.disk = afterWrite(this.disk, present(this.write, 'a write is under way'));
        this.write = undefined;
        this.core.onPersisted();
        break;
      case 'propose':
        assert(this.core.role === 'leader', 'only a leader proposes');
        this.core.propose([Uint8Array.of(input.command)]);
        break;
      case 'change':
        this.core.proposeConfiguration(input.configuration);
        break;
    }
    return this.#drain();
  }

  #timeOut(): void {
    const ticks = this.core.role === 'leader' ? 1 : ELECTION_TICKS;
    for (let tick = 0; tick < ticks; tick++) this.core.tick();
  }

  #drain(): Output {
    const sent: Message[] = [];
    const applied: Entry[] = [];
    let brokenPromise: string | undefined;
    for (let ready = this.core.takeReady(); !isEmpty(ready); ready = this.core.takeReady()) {
      applied.push(...ready.committed);
      assert(ready.snapshotsWanted.length === 0, 'no server compacts its log, so no peer needs a snapshot');
      for (const message of ready.messages) {
        sent.push(message);
        brokenPromise ??= promiseBrokenBy(message, this.disk, (index) => this.core.termAt(index));
      }
      if (ready.persist !== undefined) {
        assert(this.write === undefined, 'one write at a time');
        this.write = { request: ready.persist, appliedIndex: this.core.appliedIndex };
      }
    }
    return { sent, applied, brokenPromise };
  }
}
