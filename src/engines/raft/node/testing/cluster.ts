// A cluster in one process for tests: real nodes on a simulated clock, disks and network.

import { present } from '../../../../shared/assert.ts';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import type { StateView } from '../../../../state/state-view.ts';
import type {
  MemberChange,
  MemberChangeOutcome,
  ProposalOutcome,
  ReadOutcome,
  StateMachine,
} from '../../../engine.ts';
import { loadDurableState } from '../log/durable-records.ts';
import type { RaftStatus } from '../node-status.ts';
import { DEFAULT_LIMITS, type RaftLimits, type RaftOptions } from '../options.ts';
import { RaftNode } from '../raft-node.ts';
import { TestClock, TestLogger, TestProcess } from './clock.ts';
import { TestNetwork, TestTransport } from './network.ts';
import { TestDisk, TestStore } from './store.ts';

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** A command is a key. Applying it counts, and returns how often it was applied. */
export const COUNTER: StateMachine = {
  apply(view: StateView, command: Uint8Array): unknown {
    const key = `count/${textDecoder.decode(command)}`;
    const count = Number(view.get(key) ?? 0) + 1;
    view.put(key, count);
    return count;
  },
};

export function testOptions(node: string, change: Partial<RaftOptions> = {}): RaftOptions {
  return {
    node,
    raftAddress: `${node}:7000`,
    httpAddress: `${node}:8080`,
    bootstrap: false,
    join: false,
    startOver: false,
    tickMs: 10,
    electionTicks: 10,
    heartbeatTicks: 2,
    removeDeadAfterMs: 0,
    newMemberGraceMs: 1_000,
    minVoters: 1,
    limits: DEFAULT_LIMITS,
    ...change,
  };
}

export class TestNode {
  readonly name: string;
  readonly #cluster: TestCluster;
  disk = new TestDisk();
  logger = new TestLogger();
  #life = new TestProcess();
  store: TestStore;
  transport: TestTransport;
  node: RaftNode | undefined;
  startError: Error | undefined;
  fatalError: Error | undefined;
  removals = 0;

  constructor(cluster: TestCluster, name: string) {
    this.name = name;
    this.#cluster = cluster;
    this.store = new TestStore(cluster.clock);
    this.transport = new TestTransport(cluster.network, cluster.clock, this.address);
  }

  get address(): string {
    return `${this.name}:7000`;
  }

  get running(): RaftNode {
    return present(this.node, `${this.name} runs`);
  }

  get status(): RaftStatus {
    return this.running.status();
  }

  get isLeader(): boolean {
    return this.node?.status().state === 'leader';
  }

  /** Starts a process on the disk. Returns when it runs or has failed. */
  start(change: Partial<RaftOptions> = {}): this {
    const { clock, network } = this.#cluster;
    this.#life = new TestProcess();
    const own = clock.of(this.#life);
    this.store = new TestStore(own, this.disk);
    // A start must accept the disk after any write: no gap in the log, and nothing applied that is not
    // logged.
    this.store.onWritten = () => loadDurableState(this.store);
    this.transport = new TestTransport(network, own, this.address);
    this.logger = new TestLogger();
    this.node = undefined;
    this.startError = undefined;
    const ports = {
      store: this.store,
      clock: own,
      random: new SeededGenerator(this.#cluster.nextSeed()),
      logger: this.logger,
      transport: this.transport,
      stateMachine: this.#cluster.stateMachineOf(this.name),
    };
    const handlers = {
      onFatal: (error: Error) => {
        this.fatalError = error;
      },
      onRemoved: () => {
        this.removals += 1;
      },
    };
    const options = testOptions(this.name, { limits: this.#cluster.limits, ...change });
    RaftNode.start(options, ports, handlers, (error, node) => {
      this.startError = error;
      this.node = node;
    });
    clock.runUntil(() => this.node !== undefined || this.startError !== undefined, `${this.name} starts`);
    return this;
  }

  /** Like `kill -9`: writes that are not durable are lost. */
  kill(): void {
    this.#life.isAlive = false;
    this.node = undefined;
    this.transport.gone();
  }

  stop(): void {
    let isDone = false;
    this.running.stop(() => {
      isDone = true;
    });
    this.#cluster.clock.runUntil(() => isDone, `${this.name} stops`);
    this.#life.isAlive = false;
    this.node = undefined;
  }

  wipe(): void {
    this.disk = new TestDisk();
  }

  count(key: string): number {
    return Number(this.running.state().get(`count/${key}`) ?? 0);
  }

  /** Proposes without waiting. The outcome is added to the returned list, once. */
  propose(key: string): ProposalOutcome[] {
    const outcomes: ProposalOutcome[] = [];
    this.running.propose(textEncoder.encode(key), (outcome) => outcomes.push(outcome));
    return outcomes;
  }

  write(key: string): ProposalOutcome {
    return this.#cluster.firstOf(this.propose(key), `write of ${key} on ${this.name}`);
  }

  read(): ReadOutcome[] {
    const outcomes: ReadOutcome[] = [];
    this.running.readBarrier((outcome) => outcomes.push(outcome));
    return outcomes;
  }

  changeMembers(change: MemberChange): MemberChangeOutcome[] {
    const outcomes: MemberChangeOutcome[] = [];
    this.running.membership.change(change, (outcome) => outcomes.push(outcome));
    return outcomes;
  }

  join(node: string, peerAddress = `${node}:7000`): MemberChangeOutcome {
    const change = { kind: 'add', node, peerAddress, httpAddress: `${node}:8080` } as const;
    return this.#cluster.firstOf(this.changeMembers(change), `join of ${node}`);
  }

  remove(node: string): MemberChangeOutcome {
    return this.#cluster.firstOf(this.changeMembers({ kind: 'remove', node }), `removal of ${node}`);
  }
}

export class TestCluster {
  readonly clock = new TestClock();
  readonly network = new TestNetwork();
  readonly limits: RaftLimits;
  readonly nodes: TestNode[] = [];
  #seed = 0;

  /** Returns the state machine of a node. */
  readonly stateMachineOf: (node: string) => StateMachine;

  constructor(
    limits: Partial<RaftLimits> = {},
    stateMachineOf: (node: string) => StateMachine = () => COUNTER,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.stateMachineOf = stateMachineOf;
  }

  /** Starts nodes with these names, all voters. The first one leads. */
  static of(
    names: readonly string[],
    limits: Partial<RaftLimits> = {},
    stateMachineOf: (node: string) => StateMachine = () => COUNTER,
  ): TestCluster {
    const cluster = new TestCluster(limits, stateMachineOf);
    const [first, ...others] = names.map((name) => cluster.add(name));
    const founder = present(first, 'a cluster has a member').start({ bootstrap: true });
    cluster.leader();
    for (const other of others) {
      other.start();
      founder.join(other.name);
    }
    return cluster;
  }

  nextSeed(): number {
    this.#seed += 1;
    return this.#seed;
  }

  add(name: string): TestNode {
    const node = new TestNode(this, name);
    this.nodes.push(node);
    return node;
  }

  node(name: string): TestNode {
    return present(
      this.nodes.find((node) => node.name === name),
      `there is ${name}`,
    );
  }

  /** Waits for a leader that is not cut off. */
  leader(): TestNode {
    const find = (): TestNode | undefined =>
      this.nodes.find((node) => node.isLeader && !this.network.cutOff.has(node.address));
    this.clock.runUntil(() => find() !== undefined, 'somebody leads');
    return present(find(), 'somebody leads');
  }

  followers(): TestNode[] {
    const leader = this.leader();
    return this.nodes.filter((node) => node !== leader && node.node !== undefined);
  }

  firstOf<T>(outcomes: readonly T[], what: string): T {
    this.clock.runUntil(() => outcomes.length > 0, what);
    return present(outcomes[0], what);
  }

  /** Waits until every running node has applied everything. */
  settle(): void {
    const isSettled = (): boolean => {
      const running = this.nodes.flatMap(({ node }) => (node === undefined ? [] : [node.status()]));
      const last = Math.max(...running.map(({ lastLogIndex }) => lastLogIndex));
      return running.every(({ appliedIndex }) => appliedIndex === last);
    };
    this.clock.runUntil(isSettled, 'everybody has applied everything');
  }
}
