// The operator of the cluster: starts nodes, joins those that wait, replaces those that lost their disk,
// removes some on request. Operations that cost the cluster a disk happen one at a time, because Raft does
// not survive the loss of a majority of disks.

import type { MemberStatus } from '../../src/engines/engine.ts';
import { type Configuration, voters } from '../../src/engines/raft/core/configuration.ts';
import type { RaftStatus } from '../../src/engines/raft/node/node-status.ts';
import { present } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { DiskVersion } from './simulated-disk.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

const ROUND_MS = 250;
/** A later answer was lost with the process that was asked. */
const ANSWER_WITHIN_MS = 20_000;
const DAMAGE_BORNE_MS = 6_000;

interface OperatorWorld {
  readonly timeline: Timeline;
  readonly draws: Draws;
  readonly hosts: readonly SimulatedHost[];
  readonly diskWatch: DiskWatch;
  readonly trace: Trace;
  committedConfiguration(): Configuration | undefined;
  /** Automatic removal never leaves fewer than three voters. */
  readonly keepsThreeVoters: boolean;
}

export class Operator {
  readonly #world: OperatorWorld;
  /** Hosts that should be members. The others idle. */
  readonly #wanted = new Set<SimulatedHost>();
  /** Hosts with a join in progress. */
  readonly #joining = new Set<SimulatedHost>();
  /** The host that loses its disk or its membership, until the cluster has its size again. */
  #risk: SimulatedHost | undefined;
  /** Earlier copies of disks. */
  readonly #backups = new Map<SimulatedHost, DiskVersion>();
  joins = 0;

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  /** Starts a cluster on the first host and joins `count - 1` others to it. */
  start(count: number): void {
    const { hosts } = this.#world;
    const founder = present(hosts[0], 'there is at least one host');
    founder.start({ bootstrap: true });
    for (const host of hosts.slice(0, count)) this.want(host);
    this.#round();
  }

  /** Makes this host a member, now and whenever it stops being one. */
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

  /** Whether the cluster can afford to lose a member now. */
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

  /** Whether it can afford to lose a disk: not if the leader may shrink the cluster to two meanwhile. */
  canRiskDisk(): boolean {
    return this.#world.keepsThreeVoters && this.canRisk();
  }

  /** Status of the leader of the latest term, if there is one. */
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

  /** Copies the disk, unless there is a copy already. */
  backUp(host: SimulatedHost): void {
    if (!host.isDamaged && !this.#backups.has(host)) this.#backups.set(host, host.disk.durable);
  }

  /** Replaces the host's disk with an empty one or with the copy. It returns as a new server. */
  replaceDisk(host: SimulatedHost, { fromBackup = false }: { fromBackup?: boolean } = {}): void {
    this.#risk = host;
    host.crash();
    const backup = fromBackup ? this.#backups.get(host) : undefined;
    if (fromBackup) this.#backups.delete(host);
    this.#world.trace.add(host.name, () =>
      backup === undefined ? 'gets an empty disk' : 'gets an old copy of its disk',
    );
    this.#world.diskWatch.onReplaced(host.disk);
    host.disk.replace(backup);
    host.isDamaged = false;
    host.isRemoved = false;
    host.holdsOldCopy = backup !== undefined;
    host.powerOn();
    host.start({ startOver: true });
  }

  /** Flips a bit on the host's disk. Its node may stop at any time from now on. */
  damage(host: SimulatedHost): void {
    this.#risk = host;
    host.isDamaged = true;
    // The disk is replaced whether the node found the damage or not.
    this.#world.timeline.schedule(DAMAGE_BORNE_MS, undefined, () => {
      if (host.isDamaged) this.replaceDisk(host);
    });
    const key = host.disk.flipBit();
    this.#world.trace.add(host.name, () => `has a bit flipped under key ${JSON.stringify(key)}`);
  }

  /** Requests the removal of a member through host `via`, or through any host. */
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

  /** Replaces damaged disks now, whether the damage was found or not. */
  mendAll(): void {
    for (const host of this.#world.hosts) {
      if (host.isDamaged) this.replaceDisk(host);
    }
  }

  /** Starts and joins every wanted host that needs it. */
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

  /** Whether the process has ended, by itself or by a fault, and its planned downtime is over. */
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
    // A node may believe that it is a member when the leader that joined it died with the change.
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
      // The server was a member for a moment without learning of it. It can only join as a new server.
      if (outcome.kind === 'refused' && outcome.code === 'removed_server') host.isRemoved = true;
    });
    timeline.schedule(ANSWER_WITHIN_MS, undefined, () => this.#joining.delete(host));
  }
}

/** Whether the leader's configuration is committed: no change is in progress. */
function isSame(committed: Configuration, { configuration }: RaftStatus): boolean {
  const describe = ({ members }: Configuration): string =>
    members.map(({ server, role }) => `${server} ${role}`).join();
  return describe(committed) === describe(configuration);
}
