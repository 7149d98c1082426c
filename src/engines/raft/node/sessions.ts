// Which proposals were applied already, per proposing server (dissertation §6.3). Part of the replicated state,
// and so of snapshots: a proposal that was sent twice is applied once, on every server alike.

import type { Json, StateReader, StateView } from '../../../state/state-view.ts';
import type { ProposalOrigin } from '../codec/peer-message.ts';
import type { ServerId } from '../core/configuration.ts';

/** Keys of the state that belong to replication and not to the farm. */
export const REPLICATION_PREFIX = 'raft/';
const SESSION_PREFIX = `${REPLICATION_PREFIX}session/`;

interface Session {
  boot: number;
  /** Every sequence below is settled: not applied any more. */
  settledBelow: number;
  /** Applied sequences ≥ settledBelow. Bounded by the proposals that a node may have waiting. */
  readonly applied: Set<number>;
}

export class Sessions {
  readonly #sessions = new Map<ServerId, Session>();
  readonly #changed = new Set<ServerId>();

  /** Reads what the state holds: at a start, and after a snapshot replaced the state. */
  load(state: StateReader): void {
    this.#sessions.clear();
    this.#changed.clear();
    for (const [key, row] of state.range({ prefix: SESSION_PREFIX })) {
      const { boot, settledBelow, applied } = row as {
        boot: number;
        settledBelow: number;
        applied: readonly number[];
      };
      this.#sessions.set(key.slice(SESSION_PREFIX.length), { boot, settledBelow, applied: new Set(applied) });
    }
  }

  /** True the first time, false for every repetition and for what its origin has given up or forgotten. */
  admit(origin: ProposalOrigin): boolean {
    let session = this.#sessions.get(origin.server);
    if (session === undefined || origin.boot > session.boot) {
      session = { boot: origin.boot, settledBelow: 1, applied: new Set() };
      this.#sessions.set(origin.server, session);
    }
    if (origin.boot < session.boot || origin.sequence < session.settledBelow) return false;
    this.#changed.add(origin.server);
    settle(session, origin.settledBelow);
    if (session.applied.has(origin.sequence)) return false;
    session.applied.add(origin.sequence);
    return true;
  }

  /** Drops the sessions of servers that are no longer members: they can propose nothing more. */
  retain(members: ReadonlySet<ServerId>): void {
    for (const server of this.#sessions.keys()) {
      if (members.has(server)) continue;
      this.#sessions.delete(server);
      this.#changed.add(server);
    }
  }

  /** Writes what changed into the state: before every flush, so that state and sessions are durable together. */
  save(view: StateView): void {
    for (const server of this.#changed) {
      const key = SESSION_PREFIX + server;
      const session = this.#sessions.get(server);
      if (session === undefined) view.delete(key);
      else view.put(key, toRow(session));
    }
    this.#changed.clear();
  }
}

function settle(session: Session, settledBelow: number): void {
  if (settledBelow <= session.settledBelow) return;
  session.settledBelow = settledBelow;
  for (const sequence of session.applied) {
    if (sequence < settledBelow) session.applied.delete(sequence);
  }
}

function toRow(session: Session): Json {
  return {
    boot: session.boot,
    settledBelow: session.settledBelow,
    applied: [...session.applied].sort((a, b) => a - b),
  };
}
