// Two situations in which a broken rule shows soon, for tests of the real rules and of mutants.

import { withoutMember } from '../../src/engines/raft/core/configuration.ts';
import type { Entry } from '../../src/engines/raft/core/entry.ts';
import { EMPTY_DISK } from './explored-disk.ts';
import { emptyCluster, NO_EVENTS, type Scenario } from './scenario.ts';
import { type Script, Search, type SearchResult } from './search.ts';

interface Situation {
  readonly scenario: Scenario;
  readonly script: Script;
  readonly depth: number;
}

const FIRST: Entry = { kind: 'leader-start', index: 1, term: 1 };

function secondEntry(term: number): Entry {
  return { kind: 'command', index: 2, term, data: Uint8Array.of(term) };
}

/** The events that make `a` leader: `b` votes for it, and `c` receives nothing. */
const A_IS_ELECTED: Script = [
  'time-out   a',
  'deliver    a→b pre-vote-request',
  'deliver    b→a pre-vote-response',
  'written    a',
  'deliver    a→b vote-request',
  'written    b',
  'deliver    b→a vote-response',
  'written    a',
  'drop       a→c pre-vote-request',
  'drop       a→c vote-request',
  'drop       a→c heartbeat-request',
  'drop       a→c append-request',
  'drop       a→b heartbeat-request',
];
const DROPS = A_IS_ELECTED.filter((event) => event.startsWith('drop')).length;

/**
 * Figure 8 (c) with three servers. Entry 2 is of term 2 on a, and of term 3 on c. a leads in term 4; its
 * append with entry 2 is on the way to b.
 */
export const FIGURE_8: Situation = {
  scenario: {
    ...emptyCluster(3, { ...NO_EVENTS, timeOuts: 3, drops: DROPS }),
    disks: {
      a: { ...EMPTY_DISK, hardState: { term: 3, votedFor: undefined }, entries: [FIRST, secondEntry(2)] },
      b: { ...EMPTY_DISK, hardState: { term: 3, votedFor: 'c' }, entries: [FIRST] },
      c: { ...EMPTY_DISK, hardState: { term: 4, votedFor: undefined }, entries: [FIRST, secondEntry(3)] },
    },
  },
  script: [...A_IS_ELECTED, 'deliver    a→b append-request', 'deliver    b→a append-response'],
  depth: 13,
};

/** a leads and has committed in its own term. It may propose two changes, which would leave it alone. */
export const TWO_REMOVALS: Situation = {
  scenario: {
    ...emptyCluster(3, { ...NO_EVENTS, timeOuts: 2, drops: DROPS, changes: 2 }),
    nextConfiguration: (inForce) => {
      const last = inForce.members.at(-1)?.server;
      return last === undefined || last === 'a' ? undefined : withoutMember(inForce, last);
    },
  },
  script: [
    ...A_IS_ELECTED,
    'deliver    a→b append-request',
    'written    b',
    'deliver    b→a append-response',
  ],
  depth: 10,
};

export function searched({ scenario, script, depth }: Situation): SearchResult {
  return new Search(scenario, script).run({ depth, maxStates: 500_000, isTimeUp: () => false });
}
