// The engine port: all that the farm, the API, the workers and the server know of consensus.

import { assert } from '../shared/assert.ts';
import type { Json, StateReader, StateView } from '../state/state-view.ts';

declare const positionBrand: unique symbol;

/**
 * A place in the agreed order of commands: a non-negative safe integer. Every node gives one command the same
 * position, and each later command a larger one. Positions may skip numbers.
 */
export type Position = number & { readonly [positionBrand]: true };

/** Marks an engine's own count as a position. */
export function toPosition(count: number): Position {
  assert(Number.isSafeInteger(count) && count >= 0, `${count} is not a position`);
  return count as Position;
}

/** The replicated service. The same commands in the same order must give the same state on every node. */
export interface StateMachine {
  /**
   * Applies one agreed command. The result goes to the proposer if this node proposed it. Never throws for
   * bad input.
   */
  apply(view: StateView, command: Uint8Array, position: Position): unknown;
}

/** How a proposal ended. */
export type ProposalOutcome =
  | { readonly kind: 'applied'; readonly result: unknown }
  /** Certainly not applied, now or later. */
  | {
      readonly kind: 'refused';
      readonly reason: 'no-leader' | 'too-busy' | 'disk-full' | 'too-large' | 'stopped';
    }
  /** The command may have been applied, or may still be. */
  | { readonly kind: 'unknown' };

/** How a read barrier ended. */
export type ReadOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: 'no-leader' | 'too-busy' | 'stopped' };

/** Figures of one engine, named as `/cluster/status` shows them. */
type EngineDetails = Readonly<Record<string, Json>>;

/** A node's name among the members, and the places where it listens. */
export interface NodeAddresses {
  readonly node: string;
  /** host:port that other nodes dial. */
  readonly peerAddress: string;
  /** host:port of its API. Empty when not known. */
  readonly httpAddress: string;
}

export interface EngineHealth {
  /**
   * `ready`: a leader is known and this node's state is current. `catching-up`: a leader is known and this
   * node's state is behind. `no-quorum`: no leader is known. `out`: this node is not joined, removed or
   * stopped.
   */
  readonly kind: 'ready' | 'catching-up' | 'no-quorum' | 'out';
  /** This node's name among the members. */
  readonly node: string;
  /** The same on every member; empty until this node belongs to a cluster. */
  readonly clusterId: string;
  readonly isLeader: boolean;
  /** The node that orders commands, as far as this node knows. */
  readonly leader: NodeAddresses | undefined;
  readonly details: EngineDetails;
}

export type MemberChange =
  | ({ readonly kind: 'add' } & NodeAddresses)
  | { readonly kind: 'remove'; readonly node: string };

export type MemberChangeOutcome =
  | {
      readonly kind: 'done';
      /** The leader's peer address; empty when not known. */
      readonly leaderAddress: string;
      readonly role: 'voter' | 'learner' | 'removed';
    }
  /** `code` is a stable code of the API, for instance `node_id_in_use` or `last_voter`. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'no-leader' }
  | { readonly kind: 'unknown' };

export interface MemberStatus extends NodeAddresses {
  /** This incarnation of the node: a node that lost its disk returns as another server. */
  readonly server: string;
  readonly role: 'voter' | 'learner';
  readonly isHealthy: boolean;
  /** Milliseconds since this node last heard from the member, 0 for itself. Undefined when not known. */
  readonly lastContactMs: number | undefined;
  readonly details: EngineDetails;
}

/** The part of an engine that can change who its members are. */
export interface Membership {
  change(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void;
  members(): readonly MemberStatus[];
}

/** Replicates commands. Each `done` is called once, never inside the call. */
export interface Engine {
  /** Replicates `command` and applies it once, also across changes of leader. */
  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void;
  /** When `ready`, the local state holds every write that was acknowledged anywhere before this call. */
  readBarrier(done: (outcome: ReadOutcome) => void): void;
  /** The applied state of this node, as it is now. */
  state(): StateReader;
  /** The position up to which `state` holds every command. */
  position(): Position;
  /**
   * Calls `listener` with the new position after each batch of applied commands, and after a snapshot
   * replaced the state. Returns a function that removes the listener, which must not throw.
   */
  onAdvance(listener: (position: Position) => void): () => void;
  /** Milliseconds since this node last knew its state to be current, 0 on a leader. Undefined when never. */
  stalenessMs(): number | undefined;
  health(): EngineHealth;
  /** Undefined when the engine cannot change its members. */
  readonly membership: Membership | undefined;
}
