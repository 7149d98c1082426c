// The voters that a removal leaves. A removal that they could not commit would stop the cluster.

import { type Configuration, type ServerId, voters } from '../../core/configuration.ts';
import { majority } from '../../core/quorum.ts';

interface RemainingVoters {
  readonly total: number;
  readonly alive: number;
  readonly canCommit: boolean;
}

/** Counts the voters without `server`, and those of them that are alive. */
export function votersWithout(
  configuration: Configuration,
  server: ServerId,
  isAlive: (server: ServerId) => boolean,
): RemainingVoters {
  const rest = voters(configuration).filter((voter) => voter !== server);
  const alive = rest.filter(isAlive).length;
  return { total: rest.length, alive, canCommit: alive >= majority(rest.length) };
}
