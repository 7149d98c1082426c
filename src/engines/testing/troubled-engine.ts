// Any engine, with trouble on demand: refused requests, lost answers, failing state reads, scripted members.

import type { StateReader, StateView } from '../../state/state-view.ts';
import type {
  Engine,
  EngineHealth,
  MemberChange,
  MemberChangeOutcome,
  MemberStatus,
  Membership,
  Position,
  ProposalOutcome,
  ReadOutcome,
} from '../engine.ts';

export type Trouble = Extract<ProposalOutcome, { kind: 'refused' }>['reason'] | 'unknown';

export class TroubledEngine implements Engine {
  readonly #engine: Engine;
  readonly #soon: (callback: () => void) => void;
  /** While set, requests end in it. `unknown`: the command is applied, and the answer is lost. */
  trouble: Trouble | undefined;
  /** How stale the state is said to be; `asIs` leaves it to the engine. */
  staleMs: number | undefined | 'asIs' = 'asIs';
  /** Replaces parts of the engine's health. */
  healthChange: Partial<EngineHealth> = {};
  members: readonly MemberStatus[] = [];
  memberOutcome: MemberChangeOutcome = { kind: 'done', leaderAddress: 'node1:7000', role: 'voter' };
  readonly memberChanges: MemberChange[] = [];
  /**
   * Scripted, so that a test decides how a change of members ends. Undefined: there is no membership part.
   */
  membership: Membership | undefined = {
    change: (change, done) => {
      this.memberChanges.push(change);
      this.#soon(() => done(this.memberOutcome));
    },
    members: () => this.members,
  };
  /** Thrown at each request for the state. */
  stateError: Error | undefined;
  /** Counts requests for the state: a long list makes one a slice. */
  statesAskedFor = 0;
  /** Counts commands that reached the engine. */
  proposals = 0;

  constructor(engine: Engine, soon: (callback: () => void) => void) {
    this.#engine = engine;
    this.#soon = soon;
  }

  /** The rows themselves. A test may write them without a command. */
  get rows(): StateView {
    return this.#engine.state() as StateView;
  }

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    const { trouble } = this;
    if (trouble !== undefined && trouble !== 'unknown') {
      this.#soon(() => done({ kind: 'refused', reason: trouble }));
      return;
    }
    this.proposals += 1;
    this.#engine.propose(command, (outcome) => done(trouble === 'unknown' ? { kind: 'unknown' } : outcome));
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    const { trouble } = this;
    if (trouble === 'no-leader' || trouble === 'too-busy' || trouble === 'stopped') {
      this.#soon(() => done({ kind: 'refused', reason: trouble }));
    } else this.#engine.readBarrier(done);
  }

  state(): StateReader {
    if (this.stateError !== undefined) throw this.stateError;
    this.statesAskedFor += 1;
    return this.#engine.state();
  }

  position(): Position {
    return this.#engine.position();
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#engine.onAdvance(listener);
  }

  stalenessMs(): number | undefined {
    return this.staleMs === 'asIs' ? this.#engine.stalenessMs() : this.staleMs;
  }

  health(): EngineHealth {
    const health = { ...this.#engine.health(), ...this.healthChange };
    if (this.trouble !== 'no-leader') return health;
    return { ...health, kind: 'no-quorum', isLeader: false, leader: undefined };
  }
}
