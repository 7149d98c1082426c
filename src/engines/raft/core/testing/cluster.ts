// A cluster of cores in one process, without time. Only a test makes events happen, and the safety properties
// are checked after every event.

import { assert, present } from '../../../../shared/assert.ts';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Member,
  type Role,
  type ServerId,
  withMember,
} from '../configuration.ts';
import type { Entry } from '../entry.ts';
import type { ChangeResult } from '../membership.ts';
import type { Message } from '../message.ts';
import type { ProposeResult } from '../raft-core.ts';
import type { CoreOptions } from '../state.ts';
import { SafetyChecker } from './safety.ts';
import { TestServer } from './server.ts';

export function member(server: ServerId, role: Role = 'voter'): Member {
  return { server, role, raftAddress: `${server}:7000`, httpAddress: `${server}:8080` };
}

export function configurationOf(
  voters: readonly ServerId[],
  learners: readonly ServerId[] = [],
): Configuration {
  const members = [
    ...voters.map((server) => member(server)),
    ...learners.map((server) => member(server, 'learner')),
  ];
  return members.reduce(withMember, EMPTY_CONFIGURATION);
}

export function command(text: string): Uint8Array {
  return Uint8Array.from(`!${text}`, (character) => character.charCodeAt(0));
}

/** A log with the given terms from index 1 on, like the paper's figures. Entry 1 may be a configuration. */
export function logOfTerms(terms: readonly number[], configuration?: Configuration): Entry[] {
  return terms.map((term, position): Entry => {
    const index = position + 1;
    if (index === 1 && configuration !== undefined)
      return { kind: 'configuration', index, term, configuration };
    return { kind: 'command', index, term, data: command(`${index}/${term}`) };
  });
}

export interface TestClusterOptions {
  readonly voters: readonly ServerId[];
  readonly learners?: readonly ServerId[];
  /** Servers that run and are not members yet. */
  readonly others?: readonly ServerId[];
  readonly core?: Partial<CoreOptions> | ((server: ServerId) => Partial<CoreOptions>);
  /** Terms of the servers' logs at the start. Entry 1 is the configuration. Default: only that, of term 1. */
  readonly logs?: Readonly<Record<ServerId, readonly number[]>>;
}

/** Core options with random election timeouts, as in production. */
export function randomTimeouts(seed: number): (server: ServerId) => Partial<CoreOptions> {
  return (server) => ({ random: new SeededGenerator(seed * 1_000 + server.charCodeAt(0)) });
}

const MAX_DELIVERIES = 100_000;

export class TestCluster {
  readonly servers = new Map<ServerId, TestServer>();
  readonly safety = new SafetyChecker();
  /** Messages in flight, oldest first. */
  network: Message[] = [];
  /** All messages ever sent. */
  readonly sent: Message[] = [];
  /** Whether a message is lost. */
  isLost: (message: Message) => boolean = () => false;
  /** Whether snapshots that leaders want sent arrive at once. */
  deliversSnapshots = true;
  readonly #cuts = new Set<string>();

  constructor({ voters, learners = [], others = [], core = {}, logs = {} }: TestClusterOptions) {
    const configuration = configurationOf(voters, learners);
    for (const id of [...voters, ...learners, ...others]) {
      const options = typeof core === 'function' ? core(id) : core;
      const server = new TestServer(id, options, {
        safety: this.safety,
        send: (message) => this.#send(message),
      });
      this.servers.set(id, server);
      if (others.includes(id)) continue;
      const terms = logs[id] ?? [1];
      server.disk.load({ term: terms.at(-1) ?? 0, votedFor: undefined }, logOfTerms(terms, configuration));
      server.restart();
    }
  }

  server(id: ServerId): TestServer {
    return present(this.servers.get(id), `there is no server ${id}`);
  }

  /** Runs one event at one server, carries out its Ready, and checks everything. */
  at<T>(id: ServerId, event: (server: TestServer) => T): T {
    const server = this.server(id);
    assert(server.isUp, `${id} does not run`);
    const result = event(server);
    this.#check(server);
    server.drain();
    this.#check(server);
    return result;
  }

  tick(id: ServerId, count = 1): void {
    for (let i = 0; i < count; i++) this.at(id, ({ core }) => core.tick());
  }

  /** Ticks all servers once and delivers all messages, `count` times. */
  run(count: number): void {
    for (let i = 0; i < count; i++) {
      for (const server of this.running) this.tick(server.id);
      this.settle();
    }
  }

  /** Like `run`, until `condition` holds. Fails after `limit` ticks. */
  runUntil(condition: () => boolean, limit = 20 * 10): void {
    for (let i = 0; i < limit && !condition(); i++) this.run(1);
    assert(condition(), `the condition does not hold after ${limit} ticks`);
  }

  /** Delivers messages in order until none is left. */
  settle(): void {
    for (const server of this.running) this.at(server.id, () => undefined);
    for (let i = 0; i < MAX_DELIVERIES; i++) {
      const message = this.network.shift();
      if (message !== undefined) this.deliver(message);
      else if (!this.#deliverSnapshots()) return;
    }
    throw new Error('messages never come to an end');
  }

  deliver(message: Message): void {
    if (this.#cuts.has(`${message.from}>${message.to}`) || this.isLost(message)) return;
    const receiver = this.servers.get(message.to);
    if (receiver?.isUp === true) this.at(message.to, ({ core }) => core.step(message));
  }

  // ------------------------------------------------------------ faults

  /** Cuts `id` off from all others, in both directions. */
  isolate(id: ServerId): void {
    for (const other of this.servers.keys()) if (other !== id) this.cut(id, other);
  }

  /** Cuts the connection of two servers, in both directions. */
  cut(a: ServerId, b: ServerId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  cutOneWay(from: ServerId, to: ServerId): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
    this.isLost = () => false;
  }

  crash(id: ServerId): void {
    this.server(id).crash();
  }

  restart(id: ServerId): void {
    this.server(id).restart();
    this.at(id, () => undefined);
  }

  holdDisk(id: ServerId): void {
    this.server(id).isDiskHeld = true;
  }

  /** Makes the write under way durable. The disk stays held for later writes. */
  completeWrite(id: ServerId): void {
    this.at(id, (server) => server.completeWrite());
  }

  releaseDisk(id: ServerId): void {
    this.server(id).isDiskHeld = false;
    if (this.server(id).disk.isWriting) this.completeWrite(id);
  }

  // ------------------------------------------------------------ frequent steps

  get running(): TestServer[] {
    return [...this.servers.values()].filter((server) => server.isUp);
  }

  /** The leader of the latest term, if any. */
  get leader(): TestServer | undefined {
    const leaders = this.running.filter(({ core }) => core.role === 'leader');
    return leaders.sort((a, b) => b.core.term - a.core.term)[0];
  }

  /** Makes `id` leader, if the servers that it reaches can elect it. None is loyal to an earlier leader. */
  elect(id: ServerId): void {
    this.standForElection(id);
    this.settle();
    assert(this.server(id).core.role === 'leader', `${id} was not elected`);
  }

  /** Makes `id` stand without pre-vote. No server is loyal to a leader, and no message is delivered yet. */
  standForElection(id: ServerId): void {
    for (const { core } of this.running) if (core.leader !== undefined) core.suspectLeader(core.leader);
    this.at(id, ({ core }) => core.campaignNow());
  }

  /** Proposes commands to `id`, without delivering messages. */
  propose(id: ServerId, ...texts: string[]): ProposeResult {
    return this.at(id, ({ core }) => core.propose(texts.map(command)));
  }

  change(id: ServerId, next: (now: Configuration) => Configuration): ChangeResult {
    return this.at(id, ({ core }) => core.proposeConfiguration(next(core.configuration)));
  }

  read(id: ServerId, requestId: number): void {
    this.at(id, (server) => server.read(requestId));
  }

  /** Returns the terms of the log of `id` after its start. */
  termsOf(id: ServerId): number[] {
    const { core } = this.server(id);
    const count = core.lastLogIndex - core.logStart.index;
    return Array.from({ length: count }, (_, i) =>
      present(core.termAt(core.logStart.index + 1 + i), 'in the log'),
    );
  }

  /** Delivers the state on the disk of `from` to `to`, as a complete snapshot. */
  sendSnapshot(from: ServerId, to: ServerId): void {
    const { state } = this.server(from).disk;
    const { core } = this.server(from);
    const ended = (index: number | undefined): void => {
      const sender = this.server(from);
      // The process that sent the snapshot has ended.
      if (sender.isUp && sender.core === core) this.at(from, () => core.onSnapshotEnded(to, index));
    };
    if (this.server(to).isUp && !this.#cuts.has(`${from}>${to}`))
      this.at(to, (server) => server.stage(state, ended));
    else ended(undefined);
  }

  #deliverSnapshots(): boolean {
    if (!this.deliversSnapshots) return false;
    let isAny = false;
    for (const server of this.running) {
      for (const to of server.snapshotsWanted.splice(0)) {
        this.sendSnapshot(server.id, to);
        isAny = true;
      }
    }
    return isAny;
  }

  #send(message: Message): void {
    this.sent.push(message);
    this.network.push(message);
  }

  #check(server: TestServer): void {
    this.safety.check(server, this.servers);
  }
}
