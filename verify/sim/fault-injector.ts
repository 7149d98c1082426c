// Injects faults and ends them.

import { Draws } from '../kit/draws.ts';
import type { Fault, FaultKind } from './faults.ts';
import type { Operator } from './operator.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { HostIndex, SimulatedLinks } from './simulated-links.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

interface FaultWorld {
  readonly timeline: Timeline;
  readonly links: SimulatedLinks;
  readonly hosts: readonly SimulatedHost[];
  readonly operator: Operator;
  readonly trace: Trace;
}

/** Largest deviation of a clock's rate. */
const MAX_DRIFT = 0.2;
const MAX_JUMP_MS = 100_000;
const MAX_LATENESS_MS = 60;
const MAX_EXTRA_DELAY_MS = 150;
const MAX_CALLS_TO_DEATH = 40;
const MAX_HEAD_START_MS = 20;
/** If no new leader appears within this time, the old one is reconnected. */
const MAX_SUCCESSION_MS = 3_000;
const SUCCESSION_CHECK_MS = 5;
/** Mostly long enough to commit an entry, and short enough to leave the old leader with the longer log. */
const SHORT_REIGN_MS = 30;
const LONG_REIGN_MS = 150;
const DISK_LOSSES: ReadonlySet<FaultKind> = new Set(['bit-flip', 'lost-disk', 'old-disk']);

type Link = readonly [from: HostIndex, to: HostIndex];

export class FaultInjector {
  readonly #world: FaultWorld;
  /** Injected faults by kind. A fault without a target is not counted. */
  readonly counts = new Map<FaultKind, number>();
  #isOver = false;

  constructor(world: FaultWorld) {
    this.#world = world;
  }

  schedule(plan: readonly Fault[]): void {
    const { timeline } = this.#world;
    for (const fault of plan) {
      timeline.scheduleAt(fault.atMs, undefined, () => {
        if (this.#isOver || !this.#inject(fault)) return;
        this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
      });
    }
  }

  /** Ends all faults: nodes run, disks work, links are open, clocks agree. Later faults are ignored. */
  healAll(): void {
    this.#isOver = true;
    const { hosts, links } = this.#world;
    links.calmDown();
    for (const host of hosts) {
      host.downUntilMs = 0;
      host.powerOn();
      host.resume();
      host.disk.mend();
      host.clock.drift(1);
      host.clock.maxLatenessMs = 0;
      host.life?.dieAtCall(Number.POSITIVE_INFINITY);
    }
  }

  /** Returns false when the fault had no target. */
  #inject(fault: Fault): boolean {
    const draws = new Draws(fault.seed);
    const { kind, number, durationMs } = fault;
    this.#world.trace.add('fault', () => `${number}: ${kind} for ${Math.round(durationMs)} ms`);
    return (
      this.#processFault(fault, draws) ?? this.#networkFault(fault, draws) ?? this.#hostFault(fault, draws)
    );
  }

  // ------------------------------------------------------------ processes

  #processFault(fault: Fault, draws: Draws): boolean | undefined {
    const running = this.#world.hosts.filter((host) => host.life !== undefined);
    const some = draws.sample(running, 1);
    const majority = draws.sample(running, Math.floor(running.length / 2) + 1);
    switch (fault.kind) {
      case 'kill':
        return this.#kill(some, fault);
      case 'kill-leader':
        return this.#kill(this.#leader(), fault);
      case 'kill-majority':
        return this.#kill(majority, fault);
      case 'kill-all':
        return this.#kill(running, fault);
      case 'power-loss':
        return this.#kill(draws.chance(0.3) ? majority : some, fault, { power: true });
      case 'kill-at-call':
        for (const host of draws.chance(0.5) ? some : this.#leader()) {
          host.downUntilMs = this.#world.timeline.nowMs + fault.durationMs;
          host.life?.dieAtCall(draws.integer(1, MAX_CALLS_TO_DEATH));
        }
        return some.length > 0;
      case 'orderly-restart':
        for (const host of some) {
          host.downUntilMs = this.#world.timeline.nowMs + fault.durationMs;
          host.stop();
        }
        return some.length > 0;
      case 'pause':
        return this.#pause(some, fault);
      case 'pause-leader':
        return this.#pause(this.#leader(), fault);
      default:
        return undefined;
    }
  }

  #kill(hosts: readonly SimulatedHost[], { durationMs }: Fault, options: { power?: boolean } = {}): boolean {
    for (const host of hosts) {
      host.downUntilMs = this.#world.timeline.nowMs + durationMs;
      host.crash(options);
    }
    return hosts.length > 0;
  }

  #pause(hosts: readonly SimulatedHost[], { durationMs }: Fault): boolean {
    for (const host of hosts) {
      const { life } = host;
      if (life === undefined || life.isPaused) continue;
      host.pause();
      this.#after(durationMs, () => {
        if (host.life === life) host.resume();
      });
    }
    return hosts.length > 0;
  }

  // ------------------------------------------------------------ the network

  #networkFault(fault: Fault, draws: Draws): boolean | undefined {
    const all = this.#world.hosts.map((host) => host.index);
    switch (fault.kind) {
      case 'isolate-leader':
        return this.#isolateLeader(fault);
      case 'kill-successor':
        return this.#killSuccessor(fault, draws);
      case 'split': {
        const side = new Set(draws.sample(all, draws.integer(1, Math.max(1, all.length - 1))));
        return this.#block(fault, (from, to) => side.has(from) !== side.has(to));
      }
      case 'one-way': {
        const victim = draws.chance(0.5) ? (this.#leader()[0]?.index ?? draws.pick(all)) : draws.pick(all);
        const isDeaf = draws.chance(0.5);
        return this.#block(fault, (from, to) => (isDeaf ? to : from) === victim);
      }
      case 'partial': {
        // The bridge is connected to both sides; the sides are disconnected from each other.
        const bridge = draws.pick(all);
        const side = new Set(draws.sample(all, Math.ceil(all.length / 2)));
        return this.#block(
          fault,
          (from, to) => from !== bridge && to !== bridge && side.has(from) !== side.has(to),
        );
      }
      case 'cut-links':
        return this.#block(fault, () => draws.chance(0.3));
      case 'slow-links': {
        const extraMs = draws.fraction() * MAX_EXTRA_DELAY_MS;
        const slow = this.#pairs().filter(() => draws.chance(0.4));
        for (const [from, to] of slow) this.#world.links.slowDown(from, to, extraMs);
        this.#after(fault.durationMs, () => {
          for (const [from, to] of slow) this.#world.links.slowDown(from, to, 0);
        });
        return slow.length > 0;
      }
      default:
        return undefined;
    }
  }

  #isolateLeader(fault: Fault): boolean {
    const leader = this.#leader()[0]?.index;
    return leader !== undefined && this.#block(fault, (from, to) => from === leader || to === leader);
  }

  /**
   * Isolates the leader, which goes on appending. A successor leads briefly and is killed. Then the first
   * leader returns with a longer log of an older term, and may win the next election (figure 8).
   */
  #killSuccessor(fault: Fault, draws: Draws): boolean {
    const [first] = this.#leader();
    if (first === undefined) return false;
    const cut = this.#cut((from, to) => from === first.index || to === first.index);
    const giveUpAtMs = this.#world.timeline.nowMs + MAX_SUCCESSION_MS;
    const watch = (): void => {
      const successors = this.#leader().filter((host) => host !== first);
      if (successors.length === 0 && this.#world.timeline.nowMs < giveUpAtMs) {
        this.#after(SUCCESSION_CHECK_MS, watch);
        return;
      }
      this.#after(draws.between(0, draws.pick([SHORT_REIGN_MS, LONG_REIGN_MS])), () => {
        this.#kill(successors, fault);
        this.#restore(cut);
      });
    };
    watch();
    return cut.length > 0;
  }

  #block(fault: Fault, isCut: (from: HostIndex, to: HostIndex) => boolean): boolean {
    const cut = this.#cut(isCut);
    this.#after(fault.durationMs, () => this.#restore(cut));
    return cut.length > 0;
  }

  /** Cuts those of the links that were open, and returns them. */
  #cut(isCut: (from: HostIndex, to: HostIndex) => boolean): Link[] {
    const { links } = this.#world;
    const cut = this.#pairs().filter(([from, to]) => !links.isBlocked(from, to) && isCut(from, to));
    for (const [from, to] of cut) links.block(from, to);
    return cut;
  }

  #restore(cut: readonly Link[]): void {
    for (const [from, to] of cut) this.#world.links.unblock(from, to);
  }

  #pairs(): Link[] {
    const { hosts } = this.#world;
    return hosts.flatMap((a) => hosts.filter((b) => b !== a).map((b) => [a.index, b.index] as const));
  }

  // ------------------------------------------------------------ disks, clocks, members

  #hostFault(fault: Fault, draws: Draws): boolean {
    const { hosts, operator } = this.#world;
    const host = draws.chance(0.4) ? (this.#leader()[0] ?? draws.pick(hosts)) : draws.pick(hosts);
    switch (fault.kind) {
      case 'disk-stall':
        host.disk.stall(fault.durationMs);
        return true;
      case 'disk-full':
        return this.#fill([host], fault);
      case 'disk-full-everywhere':
        return this.#fill(hosts, fault);
      case 'disk-failure':
        host.disk.isBroken = true;
        return true;
      case 'drift':
        host.clock.drift(1 + draws.between(-MAX_DRIFT, MAX_DRIFT));
        return true;
      case 'clock-jump':
        host.clock.jump(draws.between(-MAX_JUMP_MS, MAX_JUMP_MS));
        return true;
      case 'late-timers':
        host.clock.maxLatenessMs = draws.fraction() * MAX_LATENESS_MS;
        return true;
      case 'add-member': {
        const idle = hosts.filter((other) => !operator.isWanted(other));
        for (const other of draws.sample(idle, 1)) operator.want(other);
        return idle.length > 0;
      }
      default:
        return this.#riskyFault(fault, host, draws);
    }
  }

  /** A fault that the cluster survives only one at a time, and only while it is healthy. */
  #riskyFault(fault: Fault, host: SimulatedHost, draws: Draws): boolean {
    const { operator } = this.#world;
    const { kind } = fault;
    // The copy that the next fault of this kind restores.
    if (kind === 'old-disk') operator.backUp(host);
    const isAffordable = DISK_LOSSES.has(kind) ? operator.canRiskDisk() : operator.canRisk();
    if (!operator.isWanted(host) || host.state !== 'running' || !isAffordable) return false;
    switch (kind) {
      case 'bit-flip':
        operator.damage(host);
        return true;
      case 'lost-disk':
        operator.replaceDisk(host);
        return true;
      case 'old-disk':
        operator.replaceDisk(host, { fromBackup: true });
        return true;
      case 'remove-member':
        operator.remove(host);
        return true;
      case 'remove-and-isolate':
        // The leader appends the change and is isolated with it. The others continue, and the change is
        // rolled back.
        operator.remove(host, { via: this.#leader()[0] });
        this.#after(draws.between(0, MAX_HEAD_START_MS), () => this.#isolateLeader(fault));
        return true;
      default:
        return false;
    }
  }

  #fill(hosts: readonly SimulatedHost[], { durationMs }: Fault): boolean {
    for (const { disk } of hosts) disk.isFull = true;
    this.#after(durationMs, () => {
      for (const { disk } of hosts) disk.isFull = false;
    });
    return true;
  }

  #leader(): SimulatedHost[] {
    const leader = this.#world.operator.leader();
    if (leader === undefined) return [];
    return this.#world.hosts.filter((host) => host.server === leader.server && host.life !== undefined);
  }

  #after(delayMs: number, action: () => void): void {
    this.#world.timeline.schedule(delayMs, undefined, () => {
      if (!this.#isOver) action();
    });
  }
}
