// One server of a test cluster: a core, its disk, and a state machine that lists the applied entries.

import { assert, present } from '../../../../shared/assert.ts';
import type { Random } from '../../../../shared/seeded-generator.ts';
import type { ServerId } from '../configuration.ts';
import type { Entry } from '../entry.ts';
import type { Message } from '../message.ts';
import { RaftCore } from '../raft-core.ts';
import type { PersistRequest, ReadState } from '../ready.ts';
import type { CoreOptions } from '../state.ts';
import { isEmpty } from '../take-ready.ts';
import { type AppliedState, NOTHING_APPLIED, TestDisk } from './disk.ts';
import { describeEntry, type SafetyChecker } from './safety.ts';

export const ELECTION_TICKS = 10;
export const HEARTBEAT_TICKS = 2;

/** Election timeouts are always the longest possible, so a server stands only when a test makes it. */
const NO_RANDOMNESS: Random = {
  nextUint32: () => 0,
  below: (bound) => bound - 1,
  chance: () => false,
};

/** Takes messages that leave a server. */
type Send = (message: Message) => void;

export class TestServer {
  readonly id: ServerId;
  core: RaftCore;
  disk = new TestDisk();
  isUp = true;
  /** Whether writes become durable only by `completeWrite`. */
  isDiskHeld = false;
  state: AppliedState = NOTHING_APPLIED;
  reads: ReadState[] = [];
  refusedReads: number[] = [];
  snapshotsWanted: ServerId[] = [];
  /** All write requests, oldest first. */
  writes: PersistRequest[] = [];
  readonly #options: CoreOptions;
  readonly #safety: SafetyChecker;
  readonly #send: Send;
  /** The reads under way, each with the commit index that it must see at least. */
  readonly #readFloors = new Map<number, number>();
  #install: { readonly state: AppliedState; readonly ended: (index: number | undefined) => void } | undefined;

  constructor(
    id: ServerId,
    options: Partial<CoreOptions>,
    { safety, send }: { safety: SafetyChecker; send: Send },
  ) {
    this.id = id;
    this.#options = {
      server: id,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: HEARTBEAT_TICKS,
      random: NO_RANDOMNESS,
      maxAppendBytes: 4_096,
      maxApplyBytes: 4_096,
      maxUncommittedBytes: 1_000_000,
      ...options,
    };
    this.#safety = safety;
    this.#send = send;
    this.core = new RaftCore(this.#options, this.disk, this.disk.durableState());
  }

  /** The applied entries, oldest first, as `term:content`. */
  get applied(): readonly string[] {
    return this.state.entries;
  }

  /** The applied commands. */
  get commands(): string[] {
    return this.applied
      .filter((entry) => entry.includes(':!'))
      .map((entry) => entry.slice(entry.indexOf('!') + 1));
  }

  /** Carries out the core's Ready until it is empty. */
  drain(): void {
    if (!this.isUp) return;
    for (;;) {
      const ready = this.core.takeReady();
      if (isEmpty(ready)) return;
      for (const message of ready.messages) {
        this.#safety.onLeaving(this, message);
        this.#send(message);
      }
      for (const entry of ready.committed) this.#apply(entry);
      for (const read of ready.reads) this.#takeRead(read);
      this.refusedReads.push(...ready.refusedReads);
      this.snapshotsWanted.push(...ready.snapshotsWanted);
      if (ready.persist === undefined) continue;
      this.writes.push(ready.persist);
      this.disk.begin(ready.persist, this.#stateWith(ready.persist));
      if (!this.isDiskHeld) this.completeWrite();
    }
  }

  completeWrite(): void {
    const { snapshot } = this.disk.complete();
    if (snapshot !== undefined) {
      const { state, ended } = present(this.#install, 'a snapshot is staged before it is installed');
      this.#install = undefined;
      this.state = state;
      ended(snapshot.index);
    }
    this.core.onPersisted();
  }

  crash(): void {
    this.isUp = false;
    this.disk.loseWrite();
    this.#install?.ended(undefined);
    this.#install = undefined;
    this.#readFloors.clear();
    this.reads = [];
    this.refusedReads = [];
    this.snapshotsWanted = [];
  }

  restart(): void {
    this.isUp = true;
    this.isDiskHeld = false;
    this.state = this.disk.state;
    this.#safety.onStarted(this.id);
    this.core = new RaftCore(this.#options, this.disk, this.disk.durableState());
  }

  read(requestId: number): void {
    this.#readFloors.set(requestId, this.#safety.committedIndex);
    this.core.readIndex(requestId);
  }

  /** Takes a complete snapshot. `ended` gets its index once it is durable, or undefined. */
  stage(state: AppliedState, ended: (index: number | undefined) => void): void {
    if (this.#install !== undefined || !this.core.restoreSnapshot(state.point)) ended(undefined);
    else this.#install = { state, ended };
  }

  /** Drops the log up to `index`, but at most up to the state on disk. */
  compact(index = Number.POSITIVE_INFINITY): void {
    const last = Math.min(index, this.disk.state.point.index);
    if (this.disk.isWriting || this.#install !== undefined || last <= this.disk.start.index) return;
    this.disk.compactTo(this.core.compact(last));
  }

  /** The state that a write makes durable: the staged snapshot if it adopts one, else the current state. */
  #stateWith(request: PersistRequest): AppliedState {
    if (request.snapshot === undefined) return this.state;
    return present(this.#install, 'a snapshot is staged before the core asks for it').state;
  }

  #apply(entry: Entry): void {
    assert(this.#install === undefined, 'nothing is applied while the state is being replaced');
    const { point, entries } = this.state;
    assert(entry.index === point.index + 1, `${this.id} applies ${entry.index} after ${point.index}`);
    const text = describeEntry(entry);
    this.#safety.onApplied(this.id, entry.index, text);
    const isConfiguration = entry.kind === 'configuration';
    this.state = {
      point: {
        index: entry.index,
        term: entry.term,
        configuration: isConfiguration ? entry.configuration : point.configuration,
        configurationIndex: isConfiguration ? entry.index : point.configurationIndex,
      },
      entries: [...entries, text],
    };
  }

  #takeRead(read: ReadState): void {
    const floor = this.#readFloors.get(read.requestId);
    // The process that asked has ended.
    if (floor === undefined) return;
    assert(read.readIndex >= floor, `a read sees ${read.readIndex}, and ${floor} was committed before it`);
    this.reads.push(read);
  }
}
