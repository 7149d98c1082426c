// Sessions: the proposals of each server that were applied already (dissertation §6.3). They are part of the
// replicated state and of snapshots, so every server applies a repeated proposal once.

import type { StateReader, StateView } from '../../../state/state-view.ts';
import type { ProposalOrigin } from '../codec/peer-message.ts';
import type { ServerId } from '../core/configuration.ts';

/** The prefix of state keys that belong to replication, not to the farm. For tests: they leave those out. */
export const REPLICATION_PREFIX = 'raft/';
const SESSION_PREFIX = `${REPLICATION_PREFIX}session/`;

interface Session {
  boot: number;
  /** Every lower sequence is settled and is not applied any more. */
  settledBelow: number;
  /** Applied sequences from `settledBelow` on. Bounded by the proposals that a node may have waiting. */
  readonly applied: Set<number>;
}

export class Sessions {
  readonly #sessions = new Map<ServerId, Session>();
  readonly #changed = new Set<ServerId>();

  /** Reads the sessions from the state: at a start, and after a snapshot replaced the state. */
  load(state: StateReader): void {
    this.#sessions.clear();
    this.#changed.clear();
    for (const [key, row] of state.range({ prefix: SESSION_PREFIX })) {
      const session = row as Omit<Session, 'applied'> & { readonly applied: readonly number[] };
      const applied = new Set(session.applied);
      this.#sessions.set(key.slice(SESSION_PREFIX.length), { ...session, applied });
    }
  }

  /**
   * Returns true for a proposal's first time, and false for a repetition or a proposal its origin gave up.
   */
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

  /**
   * Writes changed sessions into the state. Call before each flush: state and sessions are durable together.
   */
  save(view: StateView): void {
    for (const server of this.#changed) {
      const key = SESSION_PREFIX + server;
      const session = this.#sessions.get(server);
      if (session === undefined) view.delete(key);
      else view.put(key, { ...session, applied: [...session.applied].sort((a, b) => a - b) });
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
