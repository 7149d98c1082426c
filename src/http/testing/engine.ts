// An engine in memory for tests: it really applies the farm's commands, and can be told to be in trouble.

import type {
  Engine,
  EngineStatus,
  MemberStatus,
  ProposalOutcome,
  ReadOutcome,
} from '../../engines/engine.ts';
import { applyCommand } from '../../farm/apply.ts';
import { MemoryState } from '../../state/memory-state.ts';
import type { StateReader } from '../../state/state-view.ts';

type MemberChange = Parameters<Engine['changeMembers']>[0];
type MemberChangeOutcome = Parameters<Parameters<Engine['changeMembers']>[1]>[0];

const SELF = {
  server: 'node1@abc',
  role: 'voter',
  raftAddress: '127.0.0.1:7000',
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
    leaderRaftAddress: '127.0.0.1:7000',
    role: 'voter',
  };
  readonly memberChanges: MemberChange[] = [];
  appliedIndex = 0;
  /** Thrown by the next look at the state. */
  stateError: Error | undefined;
  /** How often a state was asked for: a long list asks once a slice. */
  statesAskedFor = 0;

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

  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    this.memberChanges.push(change);
    queueMicrotask(() => done(this.memberOutcome));
  }

  status(): EngineStatus {
    const hasLeader = this.trouble !== 'no-leader';
    return {
      server: SELF.server,
      node: 'node1',
      clusterId: 'cluster-1',
      state: hasLeader ? 'leader' : 'candidate',
      term: 3,
      leader: hasLeader ? SELF : undefined,
      commitIndex: this.appliedIndex,
      appliedIndex: this.appliedIndex,
      lastLogIndex: this.appliedIndex,
      snapshotIndex: 0,
      configuration: { members: [SELF], removed: [] },
    };
  }

  members(): readonly MemberStatus[] {
    const seen =
      this.trouble === 'no-leader'
        ? { lastContactMs: undefined, matchIndex: undefined }
        : { lastContactMs: 0, matchIndex: this.appliedIndex };
    return [{ ...SELF, node: 'node1', healthy: true, ...seen }];
  }

  #propose(command: Uint8Array): ProposalOutcome {
    const { trouble } = this;
    if (trouble !== undefined && trouble !== 'unknown') return { kind: 'refused', reason: trouble };
    this.appliedIndex += 1;
    const result = applyCommand(this.memory, command);
    return trouble === 'unknown' ? { kind: 'unknown' } : { kind: 'applied', result };
  }
}
