// A random schedule of all events of a cluster. The same seed gives the same run.

import type { Random } from '../../../../shared/seeded-generator.ts';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import {
  type Configuration,
  findMember,
  type ServerId,
  voters,
  withMember,
  withoutMember,
} from '../configuration.ts';
import { member, TestCluster } from './cluster.ts';
import { ELECTION_TICKS, type TestServer } from './server.ts';

const SERVERS: readonly ServerId[] = ['a', 'b', 'c', 'd', 'e'];
/** Bound on the messages in flight. Beyond it the oldest are lost. */
const MAX_IN_FLIGHT = 300;

interface Weighted {
  readonly weight: number;
  readonly happen: () => void;
}

export class TestSchedule {
  readonly cluster: TestCluster;
  readonly #random: Random;
  readonly #events: readonly Weighted[];
  #serial = 0;

  constructor(seed: number) {
    const random = new SeededGenerator(seed);
    this.#random = random;
    const voterCount = 1 + random.below(SERVERS.length);
    this.cluster = new TestCluster({
      voters: SERVERS.slice(0, voterCount),
      others: SERVERS.slice(voterCount),
      core: () => ({
        random,
        maxAppendBytes: 60 + random.below(200),
        maxApplyBytes: 60 + random.below(400),
        maxUncommittedBytes: 2_000,
      }),
    });
    // The schedule delivers snapshots itself: early, late or never.
    this.cluster.deliversSnapshots = false;
    // Each schedule omits some faults and has more of others, because one kind of fault can hide another.
    const favoured = this.#faults().map((fault) => ({ ...fault, weight: fault.weight * random.below(4) }));
    this.#events = [...this.#ordinaryEvents(), ...favoured];
  }

  /** Lets one event happen. */
  step(): void {
    const total = this.#events.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#random.below(total);
    for (const { weight, happen } of this.#events) {
      left -= weight;
      if (left < 0) {
        happen();
        break;
      }
    }
    this.cluster.network.splice(0, this.cluster.network.length - MAX_IN_FLIGHT);
  }

  /** Ends all faults, and completes what was under way. */
  calmDown(): void {
    this.cluster.heal();
    this.cluster.deliversSnapshots = true;
    for (const server of this.cluster.servers.values()) {
      if (!server.isUp) this.cluster.restart(server.id);
      this.cluster.releaseDisk(server.id);
    }
    this.cluster.settle();
  }

  #ordinaryEvents(): Weighted[] {
    return [
      { weight: 80, happen: () => this.#deliverSome() },
      { weight: 30, happen: () => this.#atSome(({ core }) => core.tick()) },
      { weight: 15, happen: () => this.#passTime() },
      { weight: 25, happen: () => this.#propose() },
      { weight: 8, happen: () => this.#change() },
      { weight: 8, happen: () => this.#atSome((server) => server.read(++this.#serial)) },
      { weight: 8, happen: () => this.#atSome((server) => server.compact()) },
      { weight: 15, happen: () => this.#completeSome() },
      { weight: 10, happen: () => this.#endSnapshot() },
      { weight: 4, happen: () => this.cluster.heal() },
    ];
  }

  #faults(): Weighted[] {
    const { cluster } = this;
    return [
      { weight: 6, happen: () => this.#duplicate() },
      { weight: 3, happen: () => cluster.network.splice(this.#random.below(cluster.network.length + 1), 3) },
      { weight: 3, happen: () => this.#crashOrRestart() },
      { weight: 4, happen: () => this.#holdOrRelease() },
      { weight: 2, happen: () => cluster.cut(this.#someId(), this.#someId()) },
      { weight: 1, happen: () => cluster.cutOneWay(this.#someId(), this.#someId()) },
      { weight: 2, happen: () => this.#atSome(({ core }) => core.transferLeadership()) },
      { weight: 2, happen: () => this.#atSome(({ core }) => core.leader && core.suspectLeader(core.leader)) },
      { weight: 1, happen: () => this.#atSome(({ core }) => core.stepDown()) },
      { weight: 1, happen: () => this.#atSome(({ core }) => core.standSoon()) },
      { weight: 1, happen: () => this.#atSome(({ core }) => core.campaignNow()) },
    ];
  }

  #someId(): ServerId {
    return SERVERS[this.#random.below(SERVERS.length)] ?? 'a';
  }

  #some(): TestServer | undefined {
    const { running } = this.cluster;
    return running[this.#random.below(running.length)];
  }

  #atSome(event: (server: TestServer) => unknown): void {
    const server = this.#some();
    if (server !== undefined) this.cluster.at(server.id, event);
  }

  /** Delivers messages, mostly in order like a connection. */
  #deliverSome(): void {
    const { network } = this.cluster;
    const count = 1 + this.#random.below(20);
    for (let i = 0; i < count && network.length > 0; i++) {
      const position = this.#random.chance(0.9) ? 0 : this.#random.below(network.length);
      for (const message of network.splice(position, 1)) this.cluster.deliver(message);
    }
  }

  #duplicate(): void {
    const { network, sent } = this.cluster;
    const old = sent[Math.max(0, sent.length - 1 - this.#random.below(200))];
    if (old !== undefined) network.push(old);
  }

  #passTime(): void {
    const count = 1 + this.#random.below(ELECTION_TICKS);
    for (const { id } of this.cluster.running) if (this.#random.chance(0.8)) this.cluster.tick(id, count);
  }

  #propose(): void {
    const leaders = this.cluster.running.filter(({ core }) => core.role === 'leader');
    const leader = leaders[this.#random.below(leaders.length)];
    if (leader === undefined) return;
    const texts = Array.from({ length: 1 + this.#random.below(4) }, () => `${++this.#serial}`);
    this.cluster.propose(leader.id, ...texts);
  }

  #change(): void {
    const { leader } = this.cluster;
    if (leader !== undefined) this.cluster.change(leader.id, (now) => this.#nextConfiguration(now));
  }

  /** Moves one server a step up (none, learner, voter) or down. */
  #nextConfiguration(now: Configuration): Configuration {
    const id = this.#someId();
    const role = findMember(now, id)?.role;
    if (role === undefined)
      return withMember(now, member(id, this.#random.chance(0.7) ? 'learner' : 'voter'));
    if (role === 'learner' && this.#random.chance(0.8)) return withMember(now, member(id));
    if (voters(now).length > 1 && this.#random.chance(0.3)) return withMember(now, member(id, 'learner'));
    return withoutMember(now, id);
  }

  #crashOrRestart(): void {
    const server = this.cluster.server(this.#someId());
    if (server.isUp) this.cluster.crash(server.id);
    else this.cluster.restart(server.id);
  }

  #holdOrRelease(): void {
    const id = this.#someId();
    if (!this.cluster.server(id).isUp) return;
    if (this.cluster.server(id).isDiskHeld) this.cluster.releaseDisk(id);
    else this.cluster.holdDisk(id);
  }

  #completeSome(): void {
    const writing = this.cluster.running.filter(({ disk }) => disk.isWriting);
    const server = writing[this.#random.below(writing.length)];
    if (server !== undefined) this.cluster.completeWrite(server.id);
  }

  #endSnapshot(): void {
    const senders = this.cluster.running.filter(({ snapshotsWanted }) => snapshotsWanted.length > 0);
    const sender = senders[this.#random.below(senders.length)];
    const to = sender?.snapshotsWanted.shift();
    if (sender === undefined || to === undefined) return;
    if (this.#random.chance(0.8)) this.cluster.sendSnapshot(sender.id, to);
    else this.cluster.at(sender.id, ({ core }) => core.onSnapshotEnded(to, undefined));
  }
}
