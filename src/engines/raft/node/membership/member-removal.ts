// One removal, on the leader: propose the configuration without the node, and wait until it is committed. A
// removal that the remaining voters could not commit would stop the cluster.

import {
  type Configuration,
  type Member,
  type ServerId,
  voters,
  withoutMember,
} from '../../core/configuration.ts';
import { majority } from '../../core/quorum.ts';
import {
  done,
  findNode,
  type MemberChangeParts,
  propose,
  type Refused,
  refused,
  type StepResult,
} from './member-change-step.ts';
import { nodeOf } from './server-id.ts';

/** Continues the removal of `node`. `hasProposed`: an earlier step has proposed it. */
export function stepRemoval(parts: MemberChangeParts, node: string, hasProposed: boolean): StepResult {
  const { core } = parts;
  const member = findNode(core.configuration, node);
  if (member !== undefined) {
    const next = withoutMember(core.configuration, member.server);
    return removalObjection(parts, member) ?? propose(parts, next, `removing ${node}`);
  }
  if (!hasProposed) return refused('not_found', `no node named ${node} is a member`);
  return core.isConfigurationCommitted ? done(parts, 'removed') : undefined;
}

/** Refuses a removal that the remaining voters could not commit. */
export function removalObjection({ core, peers }: MemberChangeParts, member: Member): Refused | undefined {
  if (member.role !== 'voter') return undefined;
  const node = nodeOf(member.server);
  const rest = votersWithout(core.configuration, member.server, (server) => peers.isAlive(server));
  if (rest.total === 0) return refused('last_voter', `${node} is the last voter and cannot be removed`);
  if (rest.canCommit) return undefined;
  return refused(
    'would_lose_quorum',
    `without ${node} only ${rest.alive} of ${rest.total} voters answer, too few to agree on anything; bring one back first`,
  );
}

/** Counts the voters without `server`, and those of them that are alive. */
export function votersWithout(
  configuration: Configuration,
  server: ServerId,
  isAlive: (server: ServerId) => boolean,
): { readonly total: number; readonly alive: number; readonly canCommit: boolean } {
  const rest = voters(configuration).filter((voter) => voter !== server);
  const alive = rest.filter(isAlive).length;
  return { total: rest.length, alive, canCommit: alive >= majority(rest.length) };
}
