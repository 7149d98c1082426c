// What the farm needs of consensus.

import type { StateReader, StateView } from '../state/state-view.ts';
import type { MemberChange, MemberChangeOutcome } from './raft/codec/peer-message.ts';
import type { Configuration, Member, ServerId } from './raft/core/configuration.ts';

/** The replicated service. Deterministic: the same commands in the same order give the same state everywhere. */
export interface StateMachine {
  /** Applies one committed command. What it returns goes to the proposer, if that is this node. Never throws for bad input. */
  apply(view: StateView, command: Uint8Array): unknown;
}

/** How a proposal ended. */
export type ProposalOutcome =
  | { readonly kind: 'applied'; readonly result: unknown }
  /** Surely not applied, now or later. */
  | {
      readonly kind: 'refused';
      readonly reason: 'no-leader' | 'too-busy' | 'disk-full' | 'too-large' | 'stopped';
    }
  /** It may have been applied, or may yet be. */
  | { readonly kind: 'unknown' };

export type ReadOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: 'no-leader' | 'too-busy' | 'stopped' };

export interface MemberStatus extends Member {
  readonly node: string;
  readonly healthy: boolean;
  /** Milliseconds since this node last heard of it; undefined when never, or not known here. 0 for itself. */
  readonly lastContactMs: number | undefined;
  /** Known on the leader only. */
  readonly matchIndex: number | undefined;
}

export type ServerState =
  | 'leader'
  | 'follower'
  | 'candidate'
  | 'pre-candidate'
  | 'learner'
  /** No configuration yet: it waits to be joined. */
  | 'waiting'
  | 'removed'
  | 'stopped';

export interface EngineStatus {
  readonly server: ServerId;
  readonly node: string;
  readonly clusterId: string;
  readonly state: ServerState;
  readonly term: number;
  readonly leader: Member | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastLogIndex: number;
  readonly snapshotIndex: number;
  readonly configuration: Configuration;
}

/**
 * All that the farm needs of consensus. The embedded Raft stands behind it by default; another engine could.
 * Callbacks run once each, never inside the call.
 */
export interface Engine {
  /** Replicates `command` and applies it once, also across changes of leader. */
  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void;
  /** When `ready`, the local state holds every write that was acknowledged anywhere before this call. */
  readBarrier(done: (outcome: ReadOutcome) => void): void;
  /** The applied state of this node, as it is now. */
  state(): StateReader;
  /** How long ago, in ms, this node last knew its state to be current (0 on a leader). Undefined when never. */
  stalenessMs(): number | undefined;
  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void;
  status(): EngineStatus;
  /** How the members are, in the order of the configuration. */
  members(): readonly MemberStatus[];
}
