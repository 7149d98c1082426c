// One simulation: a world from a seed, a time of faults, a time of recovery, and the verdict.

import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import { Draws } from '../kit/draws.ts';
import { FarmInvariants } from '../kit/farm-invariants.ts';
import { type Violation, Violations } from '../kit/violations.ts';
import { AppliedCommands } from './checkers/applied-commands.ts';
import { RaftProperties } from './checkers/raft-properties.ts';
import { DiskContents } from './checkers/state-content.ts';
import { Clients } from './clients.ts';
import { DiskWatch } from './disk-watch.ts';
import { FaultInjector } from './fault-injector.ts';
import { drawFaultPlan, type Fault } from './faults.ts';
import { Operator } from './operator.ts';
import { drawProfile, type WorldProfile } from './profile.ts';
import { HostClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedHost } from './simulated-host.ts';
import { SimulatedLinks } from './simulated-links.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { Timeline } from './timeline.ts';
import { Trace, type TraceLine } from './trace.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Duration of the time of faults. */
  readonly durationMs?: number | undefined;
  /** Only the faults with these numbers; undefined: all. */
  readonly faults?: readonly number[] | undefined;
  readonly isTraced?: boolean | undefined;
}

export interface SimulationResult {
  readonly seed: number;
  readonly profile: WorldProfile;
  readonly plan: readonly Fault[];
  readonly events: number;
  readonly simulatedMs: number;
  /** Hash of all events in order: equal for equal runs. */
  readonly digest: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly elections: number;
  readonly snapshots: number;
  readonly membershipChanges: number;
  readonly commands: number;
  readonly clientOperations: number;
  readonly answered: number;
  /** Histories that were too hard to judge. */
  readonly undecided: number;
  readonly violations: readonly Violation[];
  readonly trace: readonly TraceLine[];
}

const DEFAULT_DURATION_MS = 15_000;

/** Runs a simulation to its end or to the first violation. */
export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

/** Time after the faults within which a leader exists, wanted hosts are members, and all states are equal. */
const RECOVERY_MS = 60_000;
const RECOVERY_STEP_MS = 100;
/** More events in one run mean an endless exchange of messages. */
const MAX_EVENTS = 20_000_000;

class Simulation {
  readonly #options: SimulationOptions;
  readonly #profile: WorldProfile;
  readonly #plan: readonly Fault[];
  readonly #timeline = new Timeline();
  readonly #violations = new Violations();
  readonly #properties = new RaftProperties(
    this.#violations,
    (server) => this.#hostOf(server)?.status?.configuration,
  );
  readonly #farm = new FarmInvariants(this.#violations);
  readonly #commands: AppliedCommands;
  readonly #contents = new DiskContents();
  readonly #trace: Trace;
  readonly #hosts: readonly SimulatedHost[];
  readonly #operator: Operator;
  readonly #injector: FaultInjector;
  readonly #clients: Clients;
  #undecided = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const draws = new Draws(options.seed);
    this.#profile = drawProfile(draws.fork(), { durationMs: options.durationMs ?? DEFAULT_DURATION_MS });
    this.#plan = drawFaultPlan(draws.fork(), this.#profile.faults);
    const timeline = this.#timeline;
    this.#trace = new Trace(options.isTraced ?? false, () => timeline.nowMs);
    this.#commands = new AppliedCommands(this.#violations, ({ index, replica, rows }) => {
      const host = this.#hosts.find(({ name }) => name === replica);
      this.#properties.onFirstApplied(index, () => host?.server ?? replica);
      this.#farm.onRows(rows);
    });
    const links = new SimulatedLinks(this.#profile.network, {
      hosts: this.#profile.hosts,
      draws: draws.fork(),
      nowMs: () => timeline.nowMs,
    });
    const diskWatch = new DiskWatch(this.#properties);
    this.#hosts = this.#buildHosts(draws, links, diskWatch);
    const { hosts, trace } = { hosts: this.#hosts, trace: this.#trace };
    diskWatch.onInstalled = (disk) => hosts.find((host) => host.disk === disk)?.snapshotInstalled();
    const { removeDeadAfterMs, minVoters } = this.#profile.node;
    const keepsThreeVoters = removeDeadAfterMs === 0 || minVoters >= 3;
    this.#operator = new Operator({
      timeline,
      draws: draws.fork(),
      hosts,
      diskWatch,
      trace,
      committedConfiguration: () => this.#properties.committedConfiguration,
      keepsThreeVoters,
    });
    this.#injector = new FaultInjector({ timeline, links, hosts, operator: this.#operator, trace });
    this.#clients = new Clients(this.#profile.clients, {
      timeline,
      draws: draws.fork(),
      commands: this.#commands,
      engines: () => hosts.map((host) => host.engine),
      trace: (who, what) => trace.add(who, what),
    });
  }

  run(): SimulationResult {
    const { faults } = this.#options;
    this.#operator.start(this.#profile.members);
    this.#clients.start();
    this.#injector.schedule(
      this.#plan.filter(({ number }) => faults === undefined || faults.includes(number)),
    );
    this.#runUntil(this.#profile.durationMs);
    if (!this.#isFailed) this.#recover();
    if (!this.#isFailed) this.#judge();
    return this.#result();
  }

  #buildHosts(draws: Draws, links: SimulatedLinks, diskWatch: DiskWatch): SimulatedHost[] {
    const timeline = this.#timeline;
    const addresses = Array.from({ length: this.#profile.hosts }, (_, index) => `10.0.0.${index + 1}:7000`);
    const network = new SimulatedNetwork(addresses, {
      timeline,
      links,
      draws: draws.fork(),
      observer: {
        onSend: (host, to, message) => {
          if (message.kind !== 'raft') return;
          if (this.#trace.isOn) {
            this.#trace.add(`n${host + 1}`, () => `→ ${to} ${JSON.stringify(message.message, withoutBytes)}`);
          }
          this.#properties.onSend(message.message);
        },
      },
    });
    return addresses.map((raftAddress, index) => {
      const disk = new SimulatedDisk(`disk${index + 1}`, {
        timeline,
        draws: draws.fork(),
        profile: this.#profile.disk,
        observer: diskWatch,
      });
      const clock = new HostClock(timeline, {
        startMs: draws.between(0, 1_000_000),
        wallOffsetMs: 1_700_000_000_000 + draws.between(0, 10_000),
      });
      return new SimulatedHost(
        index,
        { disk, clock, draws: draws.fork(), profile: this.#profile.node, raftAddress },
        {
          timeline,
          network,
          violations: this.#violations,
          properties: this.#properties,
          commands: this.#commands,
          contents: this.#contents,
          trace: this.#trace,
        },
      );
    });
  }

  #hostOf(server: ServerId): SimulatedHost | undefined {
    return this.#hosts.find((host) => host.server === server);
  }

  // ------------------------------------------------------------ running

  #runUntil(atMs: number): void {
    while (!this.#isFailed) {
      try {
        if (!this.#timeline.step(atMs)) return;
      } catch (error) {
        const life = this.#timeline.current;
        // A process that died in the middle of its step may throw afterwards.
        if (life !== undefined && !life.isAlive) continue;
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#violations.add('no exception is thrown', `${life?.name ?? 'the world'}: ${reason}`);
      }
      if (this.#timeline.events > MAX_EVENTS) {
        this.#violations.add(
          'bounded events',
          `${MAX_EVENTS} events in ${Math.round(this.#timeline.nowMs)} ms`,
        );
      }
    }
  }

  get #isFailed(): boolean {
    return this.#violations.found.length > 0;
  }

  /** Ends the faults. The cluster must recover in bounded time. */
  #recover(): void {
    this.#trace.add('world', () => 'the faults end');
    this.#clients.stop();
    this.#injector.healAll();
    this.#operator.mendAll();
    const deadlineMs = this.#timeline.nowMs + RECOVERY_MS;
    let isProbed = false;
    this.#clients.probe(() => {
      isProbed = true;
    });
    while (!this.#isFailed) {
      this.#runUntil(this.#timeline.nowMs + RECOVERY_STEP_MS);
      const obstacle = isProbed ? this.#obstacle() : 'no write is acknowledged';
      if (obstacle === undefined) return;
      if (this.#timeline.nowMs < deadlineMs) continue;
      this.#violations.add('liveness', `${RECOVERY_MS} ms after the last fault, ${obstacle}`);
    }
  }

  /** Returns a condition of recovery that does not hold yet; undefined when all hold. */
  #obstacle(): string | undefined {
    const leader = this.#operator.leader();
    if (leader === undefined) return 'nobody leads';
    if (!this.#clients.isIdle) return 'clients wait';
    for (const host of this.#hosts) {
      if (!this.#operator.isWanted(host)) continue;
      const status = host.status;
      if (status === undefined) return `${host.name} is ${host.state}`;
      const member = leader.configuration.members.find(({ server }) => server === status.server);
      if (member === undefined) return `${host.name} is no member: it is ${status.state}`;
      if (member.role !== 'voter') return `${host.name} is a ${member.role}`;
      if (status.appliedIndex !== leader.appliedIndex) {
        return `${host.name} has applied ${status.appliedIndex} of ${leader.appliedIndex} entries`;
      }
    }
    return leader.appliedIndex < leader.lastLogIndex ? 'the leader has not applied its log' : undefined;
  }

  // ------------------------------------------------------------ the end

  #judge(): void {
    const expected = JSON.stringify(this.#operator.leader()?.configuration);
    for (const host of this.#hosts) {
      const { engine, status } = host;
      if (engine === undefined || !this.#operator.isWanted(host)) continue;
      this.#commands.expectComplete(host.name, engine.state());
      const found = JSON.stringify(status?.configuration);
      this.#violations.expect(
        found === expected,
        'members agree on the configuration',
        () => `the leader has ${expected}, and ${host.name} has ${found}`,
      );
    }
    for (const history of this.#clients.histories) {
      if (history.check(this.#violations) === 'undecided') this.#undecided += 1;
      if (this.#isFailed) return;
    }
  }

  #result(): SimulationResult {
    return {
      seed: this.#options.seed,
      profile: this.#profile,
      plan: this.#plan,
      events: this.#timeline.events,
      simulatedMs: this.#timeline.nowMs,
      digest: this.#timeline.digest,
      faults: Object.fromEntries(this.#injector.counts),
      elections: this.#properties.elections,
      snapshots: this.#properties.snapshotsInstalled,
      membershipChanges: this.#properties.membershipChanges,
      commands: this.#commands.count,
      clientOperations: this.#clients.operations,
      answered: this.#clients.answered,
      undecided: this.#undecided,
      violations: this.#violations.found,
      trace: this.#trace.lines,
    };
  }
}

/** Shows byte arrays by their length. */
function withoutBytes(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value;
}
