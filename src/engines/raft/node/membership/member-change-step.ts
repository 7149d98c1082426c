// What the steps of a join or a removal share: what they may look at, and what they may do. All of it on the leader.

import type { Logger } from '../../../../shared/logger.ts';
import type { MemberChangeOutcome } from '../../../engine.ts';
import {
  type Configuration,
  findMember,
  type Member,
  type ServerId,
  voters,
} from '../../core/configuration.ts';
import { majority } from '../../core/quorum.ts';
import type { RaftCore } from '../../core/raft-core.ts';
import type { Clock } from '../ports/clock.ts';
import type { Transport } from '../ports/transport.ts';
import { nodeOf } from './server-id.ts';

/** What a change of members needs of the core. */
export type MemberChangeCore = Pick<
  RaftCore,
  'role' | 'configuration' | 'committedConfiguration' | 'isConfigurationCommitted' | 'proposeConfiguration'
>;

export interface MemberChangePorts {
  readonly core: MemberChangeCore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  clusterId(): string;
  /** Milliseconds since the server was last heard of; undefined when never. */
  silenceMs(server: ServerId): number | undefined;
  isAlive(server: ServerId): boolean;
  /** The core has something new to do. */
  schedule(): void;
  /** Runs what a callback does: a broken invariant stops the node. */
  guarded(action: () => void): void;
}

export interface MemberChangeOptions {
  readonly self: ServerId;
  /** A server silent for this long does not answer. */
  readonly silentAfterMs: number;
  readonly timeoutMs: number;
  /** How long a join waits for the learner's promotion before it is answered. */
  readonly promotionWaitMs: number;
}

/** One change, under way. */
export interface MemberChangeSteps {
  /** Goes on if it can; an outcome ends it. */
  step(): MemberChangeOutcome | undefined;
  /** A configuration of its making is in the log, committed or not. */
  readonly hasProposed: boolean;
}

export type Refused = MemberChangeOutcome & { readonly kind: 'refused' };

export function refused(code: string, message: string): Refused {
  return { kind: 'refused', code, message };
}

export function findNode(configuration: Configuration, node: string): Member | undefined {
  return configuration.members.find((member) => nodeOf(member.server) === node);
}

/** True when the change is in the log now; when another is under way, the next step tries again. */
export function propose(ports: MemberChangePorts, next: Configuration, what: string): boolean {
  const result = ports.core.proposeConfiguration(next);
  if (result.kind === 'refused') return false;
  ports.logger.info(`membership: ${what}`, { index: result.index });
  ports.schedule();
  return true;
}

export function done(
  { core }: MemberChangePorts,
  { self, role }: { self: ServerId; role: 'voter' | 'learner' | 'removed' },
): MemberChangeOutcome {
  const leaderAddress = findMember(core.configuration, self)?.raftAddress ?? '';
  return { kind: 'done', leaderAddress, role };
}

/** A removal that the remaining voters could not commit would stop the cluster. */
export function removalObjection(ports: MemberChangePorts, member: Member): Refused | undefined {
  if (member.role !== 'voter') return undefined;
  const node = nodeOf(member.server);
  const rest = voters(ports.core.configuration).filter((server) => server !== member.server);
  if (rest.length === 0) return refused('last_voter', `${node} is the last voter and cannot be removed`);
  const alive = rest.filter((server) => ports.isAlive(server)).length;
  if (alive >= majority(rest.length)) return undefined;
  return refused(
    'would_lose_quorum',
    `without ${node} only ${alive} of ${rest.length} voters answer, too few to agree on anything; bring one back first`,
  );
}
