// Drives the core: carries out its work, round by round, and tells it when the disk is done. One wake-up
// handles everything that is waiting.

import { assert } from '../../../shared/assert.ts';
import { asError } from '../../../shared/coded-error.ts';
import type { Logger } from '../../../shared/logger.ts';
import type { Random } from '../../../shared/seeded-generator.ts';
import type { StateMachine } from '../../engine.ts';
import type { ServerId } from '../core/configuration.ts';
import { RaftCore } from '../core/raft-core.ts';
import type { PersistRequest, Ready, SnapshotPoint } from '../core/ready.ts';
import { isEmpty } from '../core/take-ready.ts';
import { Applier, type RaftState } from './applier.ts';
import { DiskWriter } from './disk-writer.ts';
import {
  type AppliedRecord,
  type LoadedState,
  putApplied,
  putHardState,
  putLogStart,
} from './log/durable-records.ts';
import { LogBlocks } from './log/log-blocks.ts';
import type { RaftLimits, RaftOptions } from './options.ts';
import { type Hooks, hooksOf, type Participant } from './participant.ts';
import type { Clock } from './ports/clock.ts';
import type { ImageStaging, KeyValueStore, WriteOperation } from './ports/key-value-store.ts';
import type { Transport } from './ports/transport.ts';
import { ReplicatedState } from './state/replicated-state.ts';

export interface ReplicaPorts {
  readonly store: KeyValueStore;
  readonly transport: Pick<Transport, 'send' | 'flush'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stateMachine: StateMachine;
}

/** Rounds of one wake-up. Then other work of the event loop has a turn. */
const MAX_ROUNDS = 16;
/** A wake-up ends after it applied entries for this long … */
const MIN_APPLY_MS = 8;
/** … or, up to this bound, for as long as other work took before it: applying must not starve under load. */
const MAX_APPLY_MS = 25;
/** Bound on the rows that one write a tick deletes of an abandoned state. It costs a few milliseconds. */
const MAX_GARBAGE_ROWS = 1_024;

/** The finished image of a leader's store, and its applied record. */
export interface SnapshotInstall {
  readonly applied: AppliedRecord;
  readonly staging: ImageStaging;
}

export class Replica {
  readonly core: RaftCore;
  readonly state: RaftState;
  readonly #limits: RaftLimits;
  readonly #ports: ReplicaPorts;
  readonly #onFatal: (error: Error) => void;
  readonly #writer: DiskWriter;
  readonly #applier: Applier;
  readonly #logBlocks: LogBlocks;
  readonly #self: ServerId;
  #hooks: Hooks = hooksOf([]);
  #isCompacting = false;
  /** Set while an image waits to become the state. */
  #install: (SnapshotInstall & { readonly done: () => void }) | undefined;
  /** The leader and its term, after the last round. */
  #seenLeader: Pick<RaftCore, 'leader' | 'term'> = { leader: undefined, term: 0 };
  #isScheduled = false;
  /** When the last wake-up ended. */
  #ranAt = 0;
  #isStopped = false;

  /** `onFatal` is called once, when the node cannot go on: a broken invariant, a damaged disk. */
  constructor(
    options: RaftOptions,
    loaded: LoadedState,
    ports: ReplicaPorts,
    onFatal: (error: Error) => void,
  ) {
    this.#limits = options.limits;
    this.#ports = ports;
    this.#onFatal = onFatal;
    this.#self = loaded.identity.server;
    this.#writer = new DiskWriter(ports, (error) => this.#stopFatally(error));
    this.state = new ReplicatedState({ ...ports, limits: options.limits, putApplied }, loaded.applied);
    this.#applier = new Applier(this.state, {
      onApplied: (origin, result) => {
        for (const one of this.#hooks.onApplied) one.onApplied(origin, result);
      },
      onConfiguration: (entry, previous) => {
        for (const one of this.#hooks.onConfiguration) one.onConfiguration(entry, previous);
      },
    });
    this.#logBlocks = new LogBlocks(ports.store, loaded);
    const { index, configuration, configurationIndex } = loaded.applied;
    this.core = new RaftCore(
      { ...options, ...options.limits, server: this.#self, random: ports.random },
      this.#logBlocks,
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

  /** Sets the participants, before the first round. Their hooks are called in this order. */
  setParticipants(participants: readonly Participant[]): void {
    this.#hooks = hooksOf(participants);
  }

  get appliedIndex(): number {
    return this.state.point.index;
  }

  /** Index of the last entry that is compacted: a snapshot has replaced the entries up to it. */
  get snapshotIndex(): number {
    return this.core.logStart.index;
  }

  get isDiskFull(): boolean {
    return this.#writer.isFull;
  }

  /** The core may have work. It is asked soon, once for all that happens until then. */
  schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#ports.clock.soon(() => {
      this.#isScheduled = false;
      this.runOrStop(() => this.#run());
    });
  }

  tick(): void {
    this.runOrStop(() => {
      for (const one of this.#hooks.onTick) one.onTick();
    });
    this.runOrStop(() => {
      this.core.tick();
      this.#maybeFlushState();
      this.#maybeCompact();
      this.#maybeDeleteGarbage();
    });
    this.schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#writer.stop();
  }

  /** Tells the participants that this node takes no further part. */
  stopParticipants(): void {
    for (const one of this.#hooks.onStop) one.onStop();
  }

  /** Writes records beside the log, in the order of the calls. */
  write(operations: readonly WriteOperation[]): void {
    this.#writer.write({ operations }, () => undefined);
  }

  /** Returns false when the core does not need the image after all. */
  install({ applied, staging }: SnapshotInstall, done: () => void): boolean {
    if (this.#install !== undefined) return false;
    if (!this.core.restoreSnapshot(applied)) return false;
    this.#install = { applied, staging, done };
    this.state.beginAdoption(applied);
    this.schedule();
    return true;
  }

  // -------------------------------------------------------------- rounds

  #run(): void {
    const { clock } = this.#ports;
    const begunAt = clock.now();
    const othersMs = begunAt - this.#ranAt;
    this.#runUntil(begunAt + Math.min(MAX_APPLY_MS, Math.max(MIN_APPLY_MS, othersMs)));
    this.#ranAt = clock.now();
  }

  #runUntil(endsAt: number): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (this.#isStopped) return;
      for (const one of this.#hooks.beforeRound) one.beforeRound();
      const ready = this.core.takeReady();
      const isIdle = isEmpty(ready);
      if (!isIdle) this.#carryOut(ready);
      this.#maybeNoteLeader();
      for (const one of this.#hooks.afterRound) one.afterRound();
      this.state.announceAdvance();
      if (isIdle) return;
      if (ready.committed.length > 0 && this.#ports.clock.now() >= endsAt) break;
    }
    this.schedule();
  }

  #carryOut(ready: Ready): void {
    const { transport } = this.#ports;
    // Messages leave first, so that the other nodes work while this one applies and writes. The protocol
    // repeats messages that are lost.
    for (const message of ready.messages) transport.send(message.to, { kind: 'raft', message });
    if (ready.messages.length > 0) transport.flush();
    if (ready.committed.length > 0) this.#applier.apply(ready.committed);
    if (ready.persist !== undefined) this.#persist(ready.persist);
    const { onSnapshotWanted, onReadConfirmed, onReadRefused } = this.#hooks;
    for (const server of ready.snapshotsWanted) {
      for (const one of onSnapshotWanted) one.onSnapshotWanted(server);
    }
    for (const { requestId, readIndex } of ready.reads) {
      for (const one of onReadConfirmed) one.onReadConfirmed(requestId, readIndex);
    }
    for (const requestId of ready.refusedReads) for (const one of onReadRefused) one.onReadRefused(requestId);
  }

  #maybeNoteLeader(): void {
    const { leader, term } = this.core;
    if (leader === this.#seenLeader.leader && term === this.#seenLeader.term) return;
    this.#seenLeader = { leader, term };
    const { logger } = this.#ports;
    if (leader === undefined) {
      logger.info('raft: no leader', { term });
      return;
    }
    logger.info(leader === this.#self ? 'raft: this node leads' : 'raft: new leader', { leader, term });
    for (const one of this.#hooks.onNewLeader) one.onNewLeader();
    this.schedule();
  }

  // -------------------------------------------------------------- disk

  /** Issues one write: term and vote, log entries, and sometimes the state that was applied up to now. */
  #persist(request: PersistRequest): void {
    const { snapshot, hardState, log } = request;
    const operations: WriteOperation[] = [];
    if (hardState !== undefined) operations.push(putHardState(hardState));
    if (snapshot !== undefined) {
      // Applied record and log start. The image's rows go into the same write.
      this.state.addAdoption(operations);
      operations.push(putLogStart({ index: snapshot.index, term: snapshot.term }));
      this.#logBlocks.restartAfter(snapshot.index);
    }
    // Not `push(...more)`: a call takes a bounded number of arguments, and a write may have more operations.
    for (const operation of this.#logBlocks.write(log)) operations.push(operation);
    const hasState = snapshot === undefined && this.state.isFlushDue && this.#maybeAddState(operations);
    const image = snapshot === undefined ? undefined : this.#install?.staging;
    this.#writer.write({ operations, image }, () => {
      this.runOrStop(() => {
        if (hasState) this.state.onFlushed();
        if (snapshot !== undefined) this.#onInstalled(snapshot);
        this.core.onPersisted();
      });
      this.schedule();
    });
  }

  #onInstalled({ index, term }: SnapshotPoint): void {
    assert(this.#install !== undefined, 'a snapshot is staged before it is installed');
    const { done } = this.#install;
    this.#install = undefined;
    this.state.onAdopted();
    this.#applier.sessions.load(this.state.rows);
    this.#ports.logger.info('snapshot installed', { index, term });
    done();
  }

  /** Adds the applied state to a write if it can be flushed now. Returns whether it did. */
  #maybeAddState(operations: WriteOperation[]): boolean {
    if (!this.state.canFlush) return false;
    this.#applier.sessions.save(this.state.rows);
    this.state.addFlush(operations);
    return true;
  }

  /** Writes the state alone if no log write took it along. */
  #maybeFlushState(): void {
    if (!this.state.isFlushDue || !this.#writer.isIdle) return;
    // The applied index on disk never runs ahead of the log on disk.
    if (this.appliedIndex > this.core.durableIndex) return;
    const operations: WriteOperation[] = [];
    if (!this.#maybeAddState(operations)) return;
    this.#writer.write({ operations }, () => this.runOrStop(() => this.state.onFlushed()));
  }

  /** Compacts entries whose effect is durable in the state and which no participant needs. */
  #maybeCompact(): void {
    if (this.#isCompacting || this.state.isAdopting) return;
    let highest = Math.min(this.state.durableIndex, this.core.durableIndex);
    for (const one of this.#hooks.compactionFloor) highest = Math.min(highest, one.compactionFloor());
    const last = this.#logBlocks.compactionEnd(this.#limits, highest);
    if (last === undefined) return;
    this.#isCompacting = true;
    const position = this.core.compact(last);
    const operations = [putLogStart(position), ...this.#logBlocks.compactThrough(last)];
    this.#writer.write({ operations }, () => {
      this.#isCompacting = false;
    });
  }

  /**
   * Deletes while nothing else is written, and never behind an adoption: the image's rows may have a
   * generation that is garbage now.
   */
  #maybeDeleteGarbage(): void {
    if (this.state.isAdopting || !this.#writer.isIdle) return;
    const operations = this.state.rows.nextGarbage(MAX_GARBAGE_ROWS);
    if (operations.length > 0) this.write(operations);
  }

  // -------------------------------------------------------------- errors

  /** Runs `action`. An error stops the node: it is a broken invariant or a damaged disk. */
  runOrStop(action: () => void): void {
    if (this.#isStopped) return;
    try {
      action();
    } catch (error) {
      this.#stopFatally(asError(error));
    }
  }

  #stopFatally(error: Error): void {
    if (this.#isStopped) return;
    this.stop();
    this.#onFatal(error);
  }
}
