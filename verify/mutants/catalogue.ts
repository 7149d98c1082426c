// Every mutant, and the traps that cannot have one.

import { BYTES } from './catalogue/bytes.ts';
import { CLIENTS } from './catalogue/clients.ts';
import { COMMIT } from './catalogue/commit.ts';
import { DISK } from './catalogue/disk.ts';
import { ELECTIONS } from './catalogue/elections.ts';
import { FARM } from './catalogue/farm.ts';
import { MEMBERSHIP } from './catalogue/membership.ts';
import { READS } from './catalogue/reads.ts';
import { SNAPSHOTS } from './catalogue/snapshots.ts';
import type { Mutant } from './mutant.ts';

export const CATALOGUE: readonly Mutant[] = [
  ...ELECTIONS,
  ...COMMIT,
  ...MEMBERSHIP,
  ...SNAPSHOTS,
  ...READS,
  ...DISK,
  ...BYTES,
  ...CLIENTS,
  ...FARM,
];

/** Rows of docs/raft-traps.md without a mutant, with the reason. */
export const WITHOUT_MUTANT: ReadonlyMap<number, string> = new Map([
  [27, 'there are no leases: every read asks a quorum'],
]);
