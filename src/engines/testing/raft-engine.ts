// The embedded engine over simulated clock, disk and network, for tests that run on every engine.

import { present } from '../../shared/assert.ts';
import type { StateReader } from '../../state/state-view.ts';
import type {
  Engine,
  EngineHealth,
  Membership,
  Position,
  ProposalOutcome,
  ReadOutcome,
  StateMachine,
} from '../engine.ts';
import type { TestClock } from '../raft/node/testing/clock.ts';
import { TestCluster } from '../raft/node/testing/cluster.ts';

/** Simulated time that passes in one turn of the event loop while a request waits. */
const TURN_MS = 10;

/** The other nodes of a cluster need no results. */
const NO_STATE: StateMachine = { apply: () => undefined };

/**
 * Starts a cluster of `nodes`. Returns the engine of the last one, which alone has the state machine.
 * `nextTurn` runs a callback in a later turn of the event loop.
 */
export function startRaftEngine(
  stateMachine: StateMachine,
  { nodes = ['node1'], nextTurn }: { nodes?: readonly string[]; nextTurn: (callback: () => void) => void },
): Engine {
  const last = present(nodes.at(-1), 'a cluster has a node');
  const cluster = TestCluster.of(nodes, {}, (node) => (node === last ? stateMachine : NO_STATE));
  cluster.settle();
  return new DrivenEngine(cluster.node(last).running, { clock: cluster.clock, nextTurn });
}

/** Lets the simulated time pass while requests wait. */
class DrivenEngine implements Engine {
  readonly membership: Membership | undefined;
  readonly #engine: Engine;
  readonly #clock: TestClock;
  readonly #nextTurn: (callback: () => void) => void;
  #waiting = 0;

  constructor(
    engine: Engine,
    { clock, nextTurn }: { clock: TestClock; nextTurn: (callback: () => void) => void },
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#nextTurn = nextTurn;
    const { membership } = engine;
    this.membership = membership && {
      change: (change, done) => membership.change(change, this.#awaited(done)),
      members: () => membership.members(),
    };
  }

  /** Drives the clock until `done` was called. */
  #awaited<Outcome>(done: (outcome: Outcome) => void): (outcome: Outcome) => void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.#nextTurn(() => this.#turn());
    return (outcome) => {
      this.#waiting -= 1;
      done(outcome);
    };
  }

  #turn(): void {
    this.#clock.advance(TURN_MS);
    if (this.#waiting > 0) this.#nextTurn(() => this.#turn());
  }

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.#engine.propose(command, this.#awaited(done));
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    this.#engine.readBarrier(this.#awaited(done));
  }

  state(): StateReader {
    return this.#engine.state();
  }

  position(): Position {
    return this.#engine.position();
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#engine.onAdvance(listener);
  }

  stalenessMs(): number | undefined {
    return this.#engine.stalenessMs();
  }

  health(): EngineHealth {
    return this.#engine.health();
  }
}
