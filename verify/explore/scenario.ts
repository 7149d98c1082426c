// The start of an exploration, and the number of events of each kind that may happen.

import {
  type Configuration,
  type ServerId,
  withoutMember,
} from '../../src/engines/raft/core/configuration.ts';
import { type DiskImage, EMPTY_DISK } from './explored-disk.ts';
import type { Renaming } from './fingerprint.ts';

/** Remaining events of each kind. Deliveries and finished writes are not limited. */
export interface Budget {
  readonly timeOuts: number;
  readonly crashes: number;
  readonly proposals: number;
  readonly drops: number;
  readonly duplicates: number;
  readonly changes: number;
}

export const NO_EVENTS: Budget = {
  timeOuts: 0,
  crashes: 0,
  proposals: 0,
  drops: 0,
  duplicates: 0,
  changes: 0,
};

export interface Scenario {
  readonly servers: readonly ServerId[];
  readonly initial: Configuration;
  readonly disks: Readonly<Record<ServerId, DiskImage>>;
  readonly budget: Budget;
  /** Returns the next configuration that a leader proposes, given the one in force. */
  readonly nextConfiguration: (inForce: Configuration) => Configuration | undefined;
  /** The initial state and its possible events are the same under each renaming. The identity comes first. */
  readonly renamings: readonly Renaming[];
}

const NAMES: readonly ServerId[] = ['a', 'b', 'c'];

/** A cluster of empty disks. The membership change is the removal of the last server. */
export function emptyCluster(count: number, budget: Budget): Scenario {
  const servers = NAMES.slice(0, count);
  const leaving = servers.at(-1) ?? '';
  // A departing leader hands over to the first by name among the most up-to-date servers: then names matter.
  const alike = budget.changes === 0 ? servers : [];
  return {
    servers,
    initial: votersOnly(servers),
    disks: Object.fromEntries(servers.map((server) => [server, EMPTY_DISK])),
    budget,
    nextConfiguration: (inForce) =>
      inForce.members.some(({ server }) => server === leaving) ? withoutMember(inForce, leaving) : undefined,
    renamings: permutations(alike).map((permuted): Renaming => {
      const names = new Map(alike.map((server, position) => [server, permuted[position] ?? server]));
      return (server) => names.get(server) ?? server;
    }),
  };
}

export function votersOnly(servers: readonly ServerId[]): Configuration {
  return {
    members: servers.map((server) => ({ server, role: 'voter', raftAddress: '', httpAddress: '' })),
    removed: [],
  };
}

/** All orders of `items`, the given one first. */
function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first, position) =>
    permutations(items.toSpliced(position, 1)).map((rest) => [first, ...rest]),
  );
}
