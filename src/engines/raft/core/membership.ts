// Changes of membership, one member at a time (dissertation §4.1, §4.3).

import { assert } from '../../../shared/assert.ts';
import { type Configuration, findMember, MAX_MEMBERS, voters } from './configuration.ts';
import { syncProgress } from './roles.ts';
import { appendToLog, type CoreState } from './state.ts';

type ChangeRefusal =
  | 'not-leader'
  /** Another change, or a leadership transfer, is under way. */
  | 'change-under-way'
  /** The leader has not committed an entry of its own term yet (Ongaro, raft-dev 2015). */
  | 'leader-not-established'
  | 'too-many-members'
  | 'no-voters';

export type ChangeResult =
  | { readonly kind: 'appended'; readonly index: number; readonly term: number }
  | { readonly kind: 'refused'; readonly reason: ChangeRefusal };

/** Appends a configuration that differs in one member from the current one. It is in force at once. */
export function proposeConfiguration(state: CoreState, next: Configuration): ChangeResult {
  const reason = refusalOf(state, next);
  if (reason !== undefined) return { kind: 'refused', reason };
  assert(changedMembers(state.configuration, next) <= 1, 'a configuration changes by one member at a time');
  const entry = {
    kind: 'configuration',
    index: state.log.lastIndex + 1,
    term: state.term,
    configuration: next,
  } as const;
  appendToLog(state, [entry]);
  syncProgress(state);
  return { kind: 'appended', index: entry.index, term: entry.term };
}

function refusalOf(state: CoreState, next: Configuration): ChangeRefusal | undefined {
  if (state.role !== 'leader') return 'not-leader';
  if (state.latestConfiguration.index > state.commitIndex) return 'change-under-way';
  if (state.transferTarget !== undefined) return 'change-under-way';
  if (!state.committedInOwnTerm) return 'leader-not-established';
  if (voters(next).length === 0) return 'no-voters';
  if (next.members.length > MAX_MEMBERS) return 'too-many-members';
  return undefined;
}

function changedMembers(before: Configuration, after: Configuration): number {
  const servers = new Set([...before.members, ...after.members].map((member) => member.server));
  return [...servers].filter((server) => {
    const old = findMember(before, server);
    const fresh = findMember(after, server);
    return (
      old?.role !== fresh?.role ||
      old?.raftAddress !== fresh?.raftAddress ||
      old?.httpAddress !== fresh?.httpAddress
    );
  }).length;
}
