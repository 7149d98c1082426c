// Whoever runs the shop: starts nodes, joins those that wait, replaces those whose disk is gone, removes some on
// request. One thing that costs the cluster a disk at a time: Raft promises nothing to who loses a majority of them.

import type { MemberStatus } from '../../src/engines/engine.ts';
import { type Configuration, voters } from '../../src/engines/raft/core/configuration.ts';
import type { RaftStatus } from '../../src/engines/raft/node/node-status.ts';
import { present } from '../../src/shared/assert.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { Draws } from './draws.ts';
import type { DiskVersion } from './simulated-disk.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

const ROUND_MS = 250;
/** An answer that has not come by then was lost with the process that was asked. */
const ANSWER_WITHIN_MS = 20_000;
const DAMAGE_BORNE_MS = 6_000;

export interface OperatorWorld {
  readonly timeline: Timeline;
  readonly draws: Draws;
  readonly hosts: readonly SimulatedHost[];
  readonly diskWatch: DiskWatch;
  readonly trace: Trace;
  committedConfiguration(): Configuration | undefined;
  /** Automatic removal never leaves fewer. */
  readonly keepsThreeVoters: boolean;
}

export class Operator {
  readonly #world: OperatorWorld;
  /** Hosts that should be members: the others idle. */
  readonly #wanted = new Set<SimulatedHost>();
  /** A join that was asked for and not answered. */
  readonly #joining = new Set<SimulatedHost>();
  /** The host whose disk is lost or whose membership is about to end, until the cluster has its size again. */
  #risk: SimulatedHost | undefined;
  /** Copies of disks, as they once were. */
  readonly #backups = new Map<SimulatedHost, DiskVersion>();
  joins = 0;

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  /** Begins a cluster on the first host and has `count - 1` others join it. */
  start(count: number): void {
    const { hosts } = this.#world;
    const founder = present(hosts[0], 'there is at least one host');
    founder.start({ bootstrap: true });
    for (const host of hosts.slice(0, count)) this.want(host);
    this.#round();
  }

  /** This host is to be a member, from now on and again whenever it is not. */
  want(host: SimulatedHost): void {
    this.#wanted.add(host);
    if (host.starts === 0) host.start();
  }

  isWanted(host: SimulatedHost): boolean {
    return this.#wanted.has(host);
  }

  get isSettled(): boolean {
    return this.#joining.size === 0 && this.#risk === undefined;
  }

  /** Whether the cluster can afford to let a member go just now. */
  canRisk(): boolean {
    if (this.#risk !== undefined) return false;
    const leading = this.#leading();
    if (leading === undefined) return false;
    const isWell = leading.members.every((member) => member.isHealthy && member.role === 'voter');
    const committed = this.#world.committedConfiguration();
    return (
      isWell && committed !== undefined && voters(committed).length >= 3 && isSame(committed, leading.status)
    );
  }

  /** Whether it can afford to lose a disk: not where the leader itself may make it a cluster of two meanwhile. */
  canRiskDisk(): boolean {
    return this.#world.keepsThreeVoters && this.canRisk();
  }

  /** What the leader of the latest term says, if there is one. */
  leader(): RaftStatus | undefined {
    return this.#leading()?.status;
  }

  #leading(): { readonly members: readonly MemberStatus[]; readonly status: RaftStatus } | undefined {
    let latest: { members: readonly MemberStatus[]; status: RaftStatus } | undefined;
    for (const { node, status } of this.#world.hosts) {
      if (node === undefined || status?.state !== 'leader') continue;
      if (status.term <= (latest?.status.term ?? 0)) continue;
      latest = { members: node.membership.members(), status };
    }
    return latest;
  }

  /** Keeps a copy of what the disk holds, unless there is one. */
  backUp(host: SimulatedHost): void {
    if (!host.isDamaged && !this.#backups.has(host)) this.#backups.set(host, host.disk.durable);
  }

  /** The host's disk is gone; it comes back with an empty one, or with the copy, as a new server. */
  replaceDisk(host: SimulatedHost, { fromBackup = false }: { fromBackup?: boolean } = {}): void {
    this.#risk = host;
    host.crash();
    const backup = fromBackup ? this.#backups.get(host) : undefined;
    if (fromBackup) this.#backups.delete(host);
    this.#world.trace.add(host.name, () =>
      backup === undefined ? 'loses its disk' : 'gets an old copy of its disk',
    );
    this.#world.diskWatch.onReplaced(host.disk);
    host.disk.replace(backup);
    host.isDamaged = false;
    host.isRemoved = false;
    host.holdsOldCopy = backup !== undefined;
    host.powerOn();
    host.start({ startOver: true });
  }

  /** Something turned a bit on the host's disk: from now on it may stop at any time. */
  damage(host: SimulatedHost): void {
    this.#risk = host;
    host.isDamaged = true;
    // Found by the node or not: an unreliable disk is replaced.
    this.#world.timeline.schedule(DAMAGE_BORNE_MS, undefined, () => {
      if (host.isDamaged) this.replaceDisk(host);
    });
    const key = host.disk.flipBit();
    this.#world.trace.add(host.name, () => `has a bit turned under key ${JSON.stringify(key)}`);
  }

  /** Asks the cluster to let a member go: `via` one host, or any. */
  remove(host: SimulatedHost, { via }: { via?: SimulatedHost | undefined } = {}): void {
    const membership = (via ?? this.#world.draws.pick(this.#world.hosts)).engine?.membership;
    if (membership === undefined) return;
    this.#risk = host;
    this.#wanted.delete(host);
    this.#world.trace.add('operator', () => `removes ${host.name}`);
    membership.change({ kind: 'remove', node: host.name }, (outcome) => {
      this.#world.trace.add('operator', () => `removal of ${host.name}: ${JSON.stringify(outcome)}`);
      if (this.#risk === host) this.#risk = undefined;
    });
    this.#world.timeline.schedule(ANSWER_WITHIN_MS, undefined, () => {
      if (this.#risk === host && !host.isDamaged) this.#risk = undefined;
    });
  }

  /** Damaged disks are replaced now, whether the damage was found or not. */
  mendAll(): void {
    for (const host of this.#world.hosts) {
      if (host.isDamaged) this.replaceDisk(host);
    }
  }

  /** Every host that should be there is. */
  #round(): void {
    const { timeline, hosts } = this.#world;
    const leader = this.leader();
    for (const host of hosts) {
      if (host.state === 'lost') this.replaceDisk(host);
      else if (this.#isDue(host)) this.restart(host);
      else if (this.#wanted.has(host)) this.#see(host, leader);
    }
    timeline.schedule(ROUND_MS, undefined, () => this.#round());
  }

  /** Its process ended, of itself or by a fault, and it has been down for as long as it was to be. */
  #isDue(host: SimulatedHost): boolean {
    if (host.state !== 'off' && host.state !== 'failed') return false;
    return host.starts > 0 && host.downUntilMs <= this.#world.timeline.nowMs;
  }

  restart(host: SimulatedHost): void {
    host.powerOn();
    host.start({ startOver: host.holdsOldCopy || (host.isRemoved && this.#wanted.has(host)) });
  }

  #see(host: SimulatedHost, leader: RaftStatus | undefined): void {
    if (host.isRemoved && host.state === 'running') {
      host.crash();
      host.start({ startOver: true });
      return;
    }
    const status = host.status;
    if (status === undefined) return;
    // A node that was joined by a leader that died with the change may take itself for a member, and be none.
    const isMember = leader?.configuration.members.some(({ server }) => server === status.server) ?? true;
    if ((status.state === 'waiting' || !isMember) && !this.#joining.has(host)) this.#join(host);
    const isSettled = this.#risk === host && !host.isDamaged && status.configuration.members.length > 0;
    if (
      isSettled &&
      status.configuration.members.some(({ server, role }) => server === status.server && role === 'voter')
    ) {
      this.#risk = undefined;
    }
  }

  #join(host: SimulatedHost): void {
    const { hosts, draws, timeline } = this.#world;
    const members = hosts.filter((other) => other !== host && other.engine !== undefined);
    const asked = members.length === 0 ? undefined : draws.pick(members).engine?.membership;
    if (asked === undefined) return;
    this.#joining.add(host);
    const { name: node, raftAddress: peerAddress, httpAddress } = host;
    asked.change({ kind: 'add', node, peerAddress, httpAddress }, (outcome) => {
      this.#world.trace.add('operator', () => `join of ${node}: ${JSON.stringify(outcome)}`);
      if (outcome.kind === 'done') this.joins += 1;
      this.#joining.delete(host);
      // It was a member for a moment and never learnt of it: only as a new server can it join.
      if (outcome.kind === 'refused' && outcome.code === 'removed_server') host.isRemoved = true;
    });
    timeline.schedule(ANSWER_WITHIN_MS, undefined, () => this.#joining.delete(host));
  }
}

/** Whether the leader goes by what is committed: no change is under way. */
function isSame(committed: Configuration, { configuration }: RaftStatus): boolean {
  const describe = ({ members }: Configuration): string =>
    members.map(({ server, role }) => `${server} ${role}`).join();
  return describe(committed) === describe(configuration);
}
