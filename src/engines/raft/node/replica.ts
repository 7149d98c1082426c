// Drives the core: carries out what it wants done, batch by batch, and tells it what the disk has done.
// One wake-up handles everything that is waiting.

import { assert } from '../../../shared/assert.ts';
import type { Logger } from '../../../shared/logger.ts';
import type { Random } from '../../../shared/seeded-generator.ts';
import type { StateMachine } from '../../engine.ts';
import type { ProposalOrigin } from '../codec/peer-message.ts';
import type { Configuration, ServerId } from '../core/configuration.ts';
import type { ConfigurationEntry } from '../core/entry.ts';
import type { LogReader } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import { RaftCore } from '../core/raft-core.ts';
import type { PersistRequest, Ready, SnapshotPoint } from '../core/ready.ts';
import { isEmpty } from '../core/take-ready.ts';
import { DiskWriter } from './disk-writer.ts';
import {
  type AppliedRecord,
  type LoadedState,
  putApplied,
  putHardState,
  putLogStart,
} from './log/durable-records.ts';
import { LogBlocks } from './log/log-blocks.ts';
import { LogExtent } from './log/log-extent.ts';
import type { NodeOptions } from './options.ts';
import type { Clock } from './ports/clock.ts';
import type { ImageStaging, KeyValueStore, WriteOperation } from './ports/key-value-store.ts';
import { Applier } from './state/applier.ts';
import { StateStore } from './state/state-store.ts';

export interface ReplicaPorts {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stateMachine: StateMachine;
}

export interface ReplicaHandlers {
  /** Before each round: proposals and reads that gathered go into the core now. */
  beforeRound(): void;
  /** After each round: role, leader, commit index or state may have changed. */
  afterRound(): void;
  send(message: Message): void;
  /** What was sent leaves now. */
  flush(): void;
  onApplied(origin: ProposalOrigin, result: unknown): void;
  onConfiguration(entry: ConfigurationEntry, previous: Configuration): void;
  onRead(requestId: number, readIndex: number): void;
  onReadRefused(requestId: number): void;
  onSnapshotWanted(server: ServerId): void;
  onFatal(error: Error): void;
}

/** Rounds in one wake-up: then whoever else waits for the event loop has a turn. */
const MAX_ROUNDS = 16;
/** Nor more of them once entries were applied for so long … */
const MIN_APPLY_MS = 8;
/** … or, up to this, for as long as the others had the event loop before: applying must not starve beside them either. */
const MAX_APPLY_MS = 25;
/** Rows of a state that was given up deleted by one write, once a tick: a few milliseconds of the event loop. */
const MAX_GARBAGE_ROWS = 1_024;

/** The image of a leader's store, finished, and what it says of itself. */
export interface SnapshotInstall {
  readonly applied: AppliedRecord;
  readonly staging: ImageStaging;
}

export class Replica {
  readonly core: RaftCore;
  readonly state: StateStore;
  readonly #options: NodeOptions;
  readonly #ports: ReplicaPorts;
  readonly #handlers: ReplicaHandlers;
  readonly #writer: DiskWriter;
  readonly #applier: Applier;
  /** The applied point that the disk holds. */
  #durablePoint: SnapshotPoint;
  /** The overlay was handed to a write that is not durable yet. */
  #isStateWriting = false;
  #stateChangedAt: number | undefined;
  readonly #logExtent: LogExtent;
  readonly #logBlocks: LogBlocks;
  #isCompacting = false;
  /** Set while an image waits to become the state. */
  #install: (SnapshotInstall & { readonly done: () => void }) | undefined;
  #isScheduled = false;
  /** When the last wake-up ended. */
  #ranAt = 0;
  #isStopped = false;

  constructor(options: NodeOptions, loaded: LoadedState, ports: ReplicaPorts, handlers: ReplicaHandlers) {
    this.#options = options;
    this.#ports = ports;
    this.#handlers = handlers;
    this.#writer = new DiskWriter(ports, (error) => this.#fatal(error));
    this.state = new StateStore(ports.store, loaded.applied.generation);
    this.#applier = new Applier(ports.stateMachine, this.state, { point: loaded.applied, handlers });
    this.#durablePoint = this.#applier.point;
    this.#logExtent = new LogExtent({
      first: loaded.logStart.index + 1,
      last: loaded.lastLog.index,
      bytes: loaded.logBytes,
      blockStarts: loaded.blockStarts,
    });
    this.#logBlocks = new LogBlocks(ports.store, this.#logExtent);
    this.core = createCore(options, loaded, { random: ports.random, log: this.#logBlocks });
  }

  get appliedIndex(): number {
    return this.#applier.point.index;
  }

  /** Index of the last entry that is compacted: what a snapshot has replaced. */
  get snapshotIndex(): number {
    return this.core.logStart.index;
  }

  get isDiskFull(): boolean {
    return this.#writer.isFull;
  }

  /** Something happened: the core is asked soon, once for all that happens until then. */
  schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#ports.clock.soon(() => {
      this.#isScheduled = false;
      this.guarded(() => this.#run());
    });
  }

  /** One tick: time for the core, and what is done now and then. `compactionFloor`: keep entries above it. */
  tick(compactionFloor: number): void {
    this.guarded(() => {
      this.core.tick();
      this.#maybeFlushState();
      this.#maybeCompact(compactionFloor);
      this.#maybeDeleteGarbage();
    });
    this.schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#writer.stop();
  }

  /** Writes beside the log, in the order of the calls. */
  write(operations: readonly WriteOperation[]): void {
    this.#writer.write({ operations }, () => undefined);
  }

  /** False when the image is not needed after all. */
  install({ applied, staging }: SnapshotInstall, done: () => void): boolean {
    if (this.#install !== undefined) return false;
    const { index, term, configuration, configurationIndex } = applied;
    if (!this.core.restoreSnapshot({ index, term, configuration, configurationIndex })) return false;
    this.#install = { applied, staging, done };
    this.schedule();
    return true;
  }

  #run(): void {
    const { clock } = this.#ports;
    const begunAt = clock.now();
    const othersMs = begunAt - this.#ranAt;
    const endsAt = begunAt + Math.min(MAX_APPLY_MS, Math.max(MIN_APPLY_MS, othersMs));
    this.#runUntil(endsAt);
    this.#ranAt = clock.now();
  }

  #runUntil(endsAt: number): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (this.#isStopped) return;
      this.#handlers.beforeRound();
      const ready = this.core.takeReady();
      if (isEmpty(ready)) {
        this.#handlers.afterRound();
        return;
      }
      this.#carryOut(ready);
      this.#handlers.afterRound();
      if (ready.committed.length > 0 && this.#ports.clock.now() >= endsAt) break;
    }
    this.schedule();
  }

  #carryOut(ready: Ready): void {
    // The others work while we apply and write.
    for (const message of ready.messages) this.#handlers.send(message);
    if (ready.messages.length > 0) this.#handlers.flush();
    if (ready.committed.length > 0) {
      this.#applier.apply(ready.committed);
      this.#stateChangedAt ??= this.#ports.clock.now();
    }
    if (ready.persist !== undefined) this.#persist(ready.persist);
    for (const server of ready.snapshotsWanted) this.#handlers.onSnapshotWanted(server);
    for (const { requestId, readIndex } of ready.reads) this.#handlers.onRead(requestId, readIndex);
    for (const requestId of ready.refusedReads) this.#handlers.onReadRefused(requestId);
  }

  /** One write: term and vote, log entries, and now and then the state that was applied up to now. */
  #persist(request: PersistRequest): void {
    const operations: WriteOperation[] = [];
    if (request.hardState !== undefined) operations.push(putHardState(request.hardState));
    const isInstall = request.snapshot !== undefined;
    if (request.snapshot !== undefined) this.#addInstall(request.snapshot, operations);
    addAll(operations, this.#logBlocks.write(request.log));
    const statePoint = !isInstall && this.#isStateDue() ? this.#maybeAddState(operations) : undefined;
    const staging = isInstall ? this.#install?.staging : undefined;
    this.#writer.write(staging === undefined ? { operations } : { operations, image: staging }, () => {
      this.guarded(() => {
        if (statePoint !== undefined) this.#stateDurable(statePoint);
        if (request.snapshot !== undefined) this.#installDurable(request.snapshot);
        this.core.onPersisted();
      });
      this.schedule();
    });
  }

  /** With the image's rows of the state, and instead of the log, in one write: applied index, configuration, log start. */
  #addInstall(point: SnapshotPoint, operations: WriteOperation[]): void {
    assert(this.#install !== undefined, 'a snapshot is staged before the core asks for it');
    operations.push(putApplied(this.#install.applied));
    operations.push(putLogStart({ index: point.index, term: point.term }));
    this.#logBlocks.restartAfter(point.index);
  }

  #installDurable(point: SnapshotPoint): void {
    assert(this.#install !== undefined, 'a snapshot is staged before it is installed');
    const { applied, done } = this.#install;
    this.#install = undefined;
    this.#isStateWriting = false;
    this.#stateChangedAt = undefined;
    this.state.replaced(applied.generation);
    this.#applier.restored(point);
    this.#durablePoint = point;
    this.#ports.logger.info('snapshot installed', { index: point.index, term: point.term });
    done();
  }

  /** Not with every write: rows that change all the time go to the disk once for many changes, and the log has them. */
  #isStateDue(): boolean {
    if (this.#stateChangedAt === undefined) return false;
    const { flushStateAfterMs, flushStateBytes } = this.#options.limits;
    const age = this.#ports.clock.now() - this.#stateChangedAt;
    return age >= flushStateAfterMs || this.state.overlayBytes >= flushStateBytes;
  }

  /** Adds the overlay to a write, unless one is under way. Returns the point that the write makes durable. */
  #maybeAddState(operations: WriteOperation[]): SnapshotPoint | undefined {
    const point = this.#applier.point;
    if (this.#isStateWriting || this.#install !== undefined || point.index === this.#durablePoint.index) {
      return undefined;
    }
    this.#isStateWriting = true;
    this.#stateChangedAt = undefined;
    this.#applier.saveSessions();
    addAll(operations, this.state.takeWrites());
    operations.push(putApplied({ ...point, generation: this.state.generation }));
    return point;
  }

  #stateDurable(point: SnapshotPoint): void {
    this.#isStateWriting = false;
    this.state.writesDurable();
    this.#durablePoint = point;
  }

  /** State that no log write takes along is written alone. */
  #maybeFlushState(): void {
    if (!this.#isStateDue() || !this.#writer.isIdle) return;
    // The applied index on disk never runs ahead of the log on disk.
    if (this.#applier.point.index > this.core.durableIndex) return;
    const operations: WriteOperation[] = [];
    const point = this.#maybeAddState(operations);
    if (point === undefined) return;
    this.#writer.write({ operations }, () => this.guarded(() => this.#stateDurable(point)));
  }

  /** Never what the disk does not hold as state yet, nor what lies above `floor`. */
  #maybeCompact(floor: number): void {
    if (this.#isCompacting || this.#install !== undefined) return;
    const highest = Math.min(this.#durablePoint.index, this.core.durableIndex, floor);
    const last = this.#logExtent.compactionEnd(this.#options.limits, highest);
    if (last === undefined) return;
    this.#isCompacting = true;
    const position = this.core.compact(last);
    const operations = [putLogStart(position), ...this.#logBlocks.compactThrough(last)];
    this.#writer.write({ operations }, () => {
      this.#isCompacting = false;
    });
  }

  /**
   * While nothing else is written, and never while an image comes to be the state: what is garbage now may be of its
   * generation.
   */
  #maybeDeleteGarbage(): void {
    if (this.#install !== undefined || !this.#writer.isIdle) return;
    const operations = this.state.nextGarbage(MAX_GARBAGE_ROWS);
    if (operations.length > 0) this.#writer.write({ operations }, () => undefined);
  }

  /** A broken invariant stops the node: it never goes on with a state that it does not understand. */
  guarded(action: () => void): void {
    if (this.#isStopped) return;
    try {
      action();
    } catch (error) {
      this.#fatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fatal(error: Error): void {
    if (this.#isStopped) return;
    this.stop();
    this.#handlers.onFatal(error);
  }
}

function createCore(
  options: NodeOptions,
  loaded: LoadedState,
  { random, log }: { random: Random; log: LogReader },
): RaftCore {
  const { electionTicks, heartbeatTicks, limits } = options;
  const { maxAppendBytes, maxApplyBytes, maxUncommittedBytes } = limits;
  const { server } = loaded.identity;
  const { index, configuration, configurationIndex } = loaded.applied;
  return new RaftCore(
    {
      server,
      electionTicks,
      heartbeatTicks,
      random,
      maxAppendBytes,
      maxApplyBytes,
      maxUncommittedBytes,
    },
    log,
    {
      hardState: loaded.hardState,
      logStart: loaded.logStart,
      lastLogIndex: loaded.lastLog.index,
      appliedIndex: index,
      configurations: [
        { index: configurationIndex, configuration },
        ...loaded.configurations.filter((later) => later.index > index),
      ],
    },
  );
}

/** Not `push(...more)`: a call takes only so many arguments, and a write may have more operations. */
function addAll(operations: WriteOperation[], more: readonly WriteOperation[]): void {
  for (const operation of more) operations.push(operation);
}
