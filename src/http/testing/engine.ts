// An engine in memory for tests: it really applies the farm's commands, and can be told to be in trouble.

import {
  type Engine,
  type EngineHealth,
  type MemberChange,
  type MemberChangeOutcome,
  type MemberStatus,
  type Membership,
  type Position,
  type ProposalOutcome,
  type ReadOutcome,
  toPosition,
} from '../../engines/engine.ts';
import { applyCommand } from '../../farm/apply.ts';
import { MemoryState } from '../../state/memory-state.ts';
import type { StateReader } from '../../state/state-view.ts';

const SELF = {
  node: 'node1',
  peerAddress: '127.0.0.1:7000',
  httpAddress: '127.0.0.1:8080',
} as const;

export type Trouble = Extract<ProposalOutcome, { kind: 'refused' }>['reason'] | 'unknown';

export class TestEngine implements Engine {
  readonly memory = new MemoryState();
  /** While set, proposals and reads end in it. `unknown`: the proposal is applied and nobody hears of it. */
  trouble: Trouble | undefined;
  staleMs: number | undefined = 0;
  memberOutcome: MemberChangeOutcome = {
    kind: 'done',
    leaderAddress: '127.0.0.1:7000',
    role: 'voter',
  };
  readonly memberChanges: MemberChange[] = [];
  appliedIndex = 0;
  /** Thrown by the next look at the state. */
  stateError: Error | undefined;
  /** How often a state was asked for: a long list asks once a slice. */
  statesAskedFor = 0;
  readonly #listeners = new Set<(position: Position) => void>();

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    queueMicrotask(() => done(this.#propose(command)));
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    const { trouble } = this;
    const isRefused = trouble === 'no-leader' || trouble === 'too-busy' || trouble === 'stopped';
    queueMicrotask(() => done(isRefused ? { kind: 'refused', reason: trouble } : { kind: 'ready' }));
  }

  state(): StateReader {
    if (this.stateError !== undefined) throw this.stateError;
    this.statesAskedFor += 1;
    return this.memory;
  }

  stalenessMs(): number | undefined {
    return this.staleMs;
  }

  readonly membership: Membership = {
    change: (change, done) => {
      this.memberChanges.push(change);
      queueMicrotask(() => done(this.memberOutcome));
    },
    members: () => this.#members(),
  };

  position(): Position {
    return toPosition(this.appliedIndex);
  }

  onAdvance(listener: (position: Position) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  health(): EngineHealth {
    const hasLeader = this.trouble !== 'no-leader';
    return {
      kind: hasLeader ? 'ready' : 'no-quorum',
      node: SELF.node,
      clusterId: 'cluster-1',
      isLeader: hasLeader,
      leader: hasLeader ? SELF : undefined,
      details: {
        state: hasLeader ? 'leader' : 'candidate',
        term: 3,
        commit_index: this.appliedIndex,
        applied_index: this.appliedIndex,
        last_log_index: this.appliedIndex,
        snapshot_index: 0,
      },
    };
  }

  #members(): readonly MemberStatus[] {
    const hasLeader = this.trouble !== 'no-leader';
    return [
      {
        ...SELF,
        server: 'node1@abc',
        role: 'voter',
        isHealthy: true,
        lastContactMs: hasLeader ? 0 : undefined,
        details: { match_index: hasLeader ? this.appliedIndex : null },
      },
    ];
  }

  #propose(command: Uint8Array): ProposalOutcome {
    const { trouble } = this;
    if (trouble !== undefined && trouble !== 'unknown') return { kind: 'refused', reason: trouble };
    this.appliedIndex += 1;
    const result = applyCommand(this.memory, command);
    for (const listener of this.#listeners) listener(this.position());
    return trouble === 'unknown' ? { kind: 'unknown' } : { kind: 'applied', result };
  }
}
