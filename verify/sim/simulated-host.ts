// One host: a clock, a disk, a place in the network, and at most one process, which runs the real node.

import type { Engine } from '../../src/engines/engine.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type { RaftStatus } from '../../src/engines/raft/node/node-status.ts';
import type { RaftLimits, RaftOptions } from '../../src/engines/raft/node/options.ts';
import { RaftNode } from '../../src/engines/raft/node/raft-node.ts';
import { applyCommand } from '../../src/farm/apply.ts';
import { assert } from '../../src/shared/assert.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { Logger } from '../../src/shared/logger.ts';
import type { StateView } from '../../src/state/state-view.ts';
import type { Draws } from '../kit/draws.ts';
import type { Violations } from '../kit/violations.ts';
import type { AppliedCommands, ReplicaCursor } from './checkers/applied-commands.ts';
import type { RaftProperties } from './checkers/raft-properties.ts';
import type { DiskContents } from './checkers/state-content.ts';
import { attemptOf } from './client-operations.ts';
import { ProcessLife } from './process-life.ts';
import { type HostClock, SimulatedClock } from './simulated-clock.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedStore } from './simulated-store.ts';
import { SimulatedTransport } from './simulated-transport.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

export interface NodeProfile {
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly removeDeadAfterMs: number;
  readonly newMemberGraceMs: number;
  readonly minVoters: number;
  readonly limits: RaftLimits;
}

interface HostWorld {
  readonly timeline: Timeline;
  readonly network: SimulatedNetwork;
  readonly violations: Violations;
  readonly properties: RaftProperties;
  readonly commands: AppliedCommands;
  readonly contents: DiskContents;
  readonly trace: Trace;
}

/** The state of the process, or how the last one ended. `lost` means that its disk is damaged beyond use. */
type HostState = 'off' | 'starting' | 'running' | 'failed' | 'lost';

interface Process {
  readonly life: ProcessLife;
  readonly store: SimulatedStore;
  node: RaftNode | undefined;
  /** Its server id, once it has started. */
  server: ServerId | undefined;
  cursor: ReplicaCursor | undefined;
  /** Whether a snapshot became its state since it last applied a command. */
  hasJumped: boolean;
  isStopping: boolean;
  /** The engine as clients reach it. It is silent once the process is dead. */
  engine: Engine | undefined;
}

export class SimulatedHost {
  readonly index: number;
  readonly name: string;
  readonly raftAddress: string;
  readonly httpAddress: string;
  readonly disk: SimulatedDisk;
  readonly clock: HostClock;
  readonly #world: HostWorld;
  readonly #draws: Draws;
  readonly #profile: NodeProfile;
  #process: Process | undefined;
  state: HostState = 'off';
  /** The cluster told this server that it was removed. It can only join as a new server. */
  isRemoved = false;
  /**
   * A bit of its disk was flipped: the node may stop at any time, and the disk is replaced before the run
   * ends.
   */
  isDamaged = false;
  /**
   * The disk is an old copy on which no process has started as a new server yet. It must not run as it was.
   */
  holdsOldCopy = false;
  starts = 0;
  /** The process is not started before this time. */
  downUntilMs = 0;

  constructor(
    index: number,
    parts: { disk: SimulatedDisk; clock: HostClock; draws: Draws; profile: NodeProfile; raftAddress: string },
    world: HostWorld,
  ) {
    this.index = index;
    this.name = `n${index + 1}`;
    this.raftAddress = parts.raftAddress;
    this.httpAddress = `10.0.0.${index + 1}:8080`;
    this.disk = parts.disk;
    this.clock = parts.clock;
    this.#draws = parts.draws;
    this.#profile = parts.profile;
    this.#world = world;
  }

  get engine(): Engine | undefined {
    return this.#process?.engine;
  }

  get node(): RaftNode | undefined {
    return this.#process?.node;
  }

  /** Status of the process, while clients can reach it. */
  get status(): RaftStatus | undefined {
    return this.engine === undefined ? undefined : this.node?.status();
  }

  /** The server that runs here; undefined when there is none. */
  get server(): ServerId | undefined {
    return this.#process?.server;
  }

  get life(): ProcessLife | undefined {
    return this.#process?.life;
  }

  /** Starts a process on the disk; with `startOver` as a new server, which waits for its join. */
  start({ bootstrap = false, startOver = false }: { bootstrap?: boolean; startOver?: boolean } = {}): void {
    assert(this.#process === undefined, `${this.name} runs already`);
    const { timeline, network } = this.#world;
    this.starts += 1;
    const life = new ProcessLife(`${this.name}#${this.starts}`);
    const store = new SimulatedStore(timeline, this.disk, life);
    const process: Process = {
      life,
      store,
      node: undefined,
      server: undefined,
      cursor: undefined,
      hasJumped: false,
      isStopping: false,
      engine: undefined,
    };
    this.#process = process;
    this.state = 'starting';
    life.onEnd(() => this.#ended(process));
    this.#world.trace.add(this.name, () => `process ${this.starts} starts${startOver ? ' over' : ''}`);
    const draws = this.#draws.fork();
    RaftNode.start(
      this.#options({ bootstrap, startOver }),
      {
        store,
        transport: new SimulatedTransport(network, { host: this.index, life }),
        clock: new SimulatedClock(timeline, { host: this.clock, life, draws: this.#draws.fork() }),
        random: draws,
        logger: this.#logger(life),
        stateMachine: { apply: (view, command) => this.#apply(process, view, command) },
      },
      {
        onFatal: (error) => this.#fatal(process, error),
        onRemoved: () => {
          if (life.isAlive) this.isRemoved = true;
        },
      },
      (error, node) => this.#started(process, error, node),
    );
  }

  /** Kills the process; with `power`, the host too, so that no peer is told. */
  crash({ power = false }: { power?: boolean } = {}): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#world.trace.add(this.name, () => (power ? 'loses power' : 'is killed'));
    if (power) this.#world.network.setDown(this.index, true);
    process.life.end();
  }

  /** Restores power. */
  powerOn(): void {
    this.#world.network.setDown(this.index, false);
  }

  /** Stops the process in order; it hands leadership over first. */
  stop(): void {
    const process = this.#process;
    if (process?.node === undefined || process.isStopping) return;
    process.isStopping = true;
    this.#world.trace.add(this.name, () => 'is told to stop');
    process.node.stop(() => process.store.close(() => process.life.end()));
  }

  pause(): void {
    this.#world.trace.add(this.name, () => 'is paused');
    this.life?.pause();
  }

  resume(): void {
    const life = this.life;
    if (life?.isPaused !== true) return;
    this.#world.trace.add(this.name, () => 'goes on');
    this.#world.timeline.resume(life);
  }

  /** Called when the disk has installed a snapshot; the process learns of it next. */
  snapshotInstalled(): void {
    if (this.#process !== undefined) this.#process.hasJumped = true;
  }

  // ------------------------------------------------------------ the process

  #options(start: { bootstrap: boolean; startOver: boolean }): RaftOptions {
    const { raftAddress, httpAddress } = this;
    return { ...this.#profile, node: this.name, raftAddress, httpAddress, join: start.startOver, ...start };
  }

  #started(process: Process, error: Error | undefined, node: RaftNode | undefined): void {
    const { life } = process;
    if (!life.isAlive) return;
    if (node === undefined) {
      this.#fatal(process, error ?? new Error('a start failed without an error'));
      return;
    }
    this.state = 'running';
    process.node = node;
    const { server, term, lastLogIndex, appliedIndex, state } = node.status();
    process.server = server;
    this.holdsOldCopy = false;
    this.isRemoved = state === 'removed';
    this.#world.properties.onStart(server, { term, lastLogIndex });
    this.#readingState(process, () => {
      process.cursor = this.#world.commands.begin(this.name, appliedIndex, this.#contentOnDisk(server));
    });
    process.engine = remoteEngine(this.#world.timeline, node, life);
  }

  /** Content of the process's state as on disk, valid while it has applied nothing more. */
  #contentOnDisk(server: ServerId): number {
    const { contents, properties } = this.#world;
    const { applied } = properties.mirrorOf(server);
    return applied === undefined ? 0 : contents.of(this.disk.visible, applied.generation);
  }

  /** Checkers read the whole state, so they may be the first to read a damaged row. */
  #readingState(process: Process, read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#fatal(process, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #apply(process: Process, view: StateView, command: Uint8Array): unknown {
    const { node, server, cursor, life } = process;
    // A dead process has no effects.
    if (!life.isAlive || node === undefined || server === undefined || cursor === undefined) {
      return applyCommand(view, command);
    }
    const attempt = attemptOf(command);
    const index = (): number => node.position();
    this.#world.trace.add(this.name, () => `applies attempt ${attempt} as entry ${index()}`);
    if (process.hasJumped) {
      process.hasJumped = false;
      const content = this.#contentOnDisk(server);
      this.#world.commands.jumped(this.name, cursor, { appliedIndex: index() - 1, content });
    }
    return this.#world.commands.applying({ name: this.name, cursor, attempt, index }, view, (recorded) =>
      applyCommand(recorded, command),
    );
  }

  #fatal(process: Process, error: Error): void {
    if (!process.life.isAlive) return;
    this.#world.trace.add(this.name, () => `stops: ${error.message}`);
    const code = error instanceof CodedError ? error.code : undefined;
    const isDamage = code === 'log_damaged' || code === 'record_damaged';
    const isExpected = (isDamage && this.isDamaged) || code === 'storage_failed' || code === 'disk_full';
    if (!isExpected) {
      this.#world.violations.add(
        'no unexpected stop',
        `${this.name} stopped: ${error.stack ?? error.message}`,
      );
    }
    process.life.end();
    this.state = isDamage ? 'lost' : 'failed';
  }

  #ended(process: Process): void {
    if (this.#process !== process) return;
    this.#process = undefined;
    this.state = 'off';
    this.disk.crash();
    this.#world.network.processEnded(this.index, process.life);
  }

  #logger(life: ProcessLife): Logger {
    const { trace } = this.#world;
    const line = (message: string, fields?: object): void => {
      if (life.isAlive)
        trace.add(this.name, () => `${message} ${fields === undefined ? '' : JSON.stringify(fields)}`);
    };
    return { debug: line, info: line, warn: line, error: line };
  }
}

/**
 * The engine as seen from outside: calls wait while the process is paused, and its answers end with its
 * death.
 */
function remoteEngine(timeline: Timeline, node: RaftNode, life: ProcessLife): Engine {
  const ask = (question: () => void): void => {
    timeline.schedule(0, life, question);
  };
  const guarded =
    <A extends unknown[]>(done: (...answer: A) => void) =>
    (...answer: A): void => {
      if (life.isAlive) done(...answer);
    };
  return {
    propose: (command, done) => ask(() => node.propose(command, guarded(done))),
    readBarrier: (done) => ask(() => node.readBarrier(guarded(done))),
    state: () => node.state(),
    stalenessMs: () => node.stalenessMs(),
    position: () => node.position(),
    onAdvance: (listener) => node.onAdvance(guarded(listener)),
    health: () => node.health(),
    membership: {
      change: (change, done) => ask(() => node.membership.change(change, guarded(done))),
      members: () => node.membership.members(),
    },
  };
}
