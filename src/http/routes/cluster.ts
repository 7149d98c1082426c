import type { FastifyInstance } from 'fastify';
import { type AnswerOf, OPERATIONS, type Operation } from '../../api/operations.ts';
import type { Engine, MemberChange, MemberChangeOutcome } from '../../engines/engine.ts';
import { accepted, type Checked, rejected } from '../../farm/model/checked.ts';
import { isDialable } from '../../shared/address.ts';
import { unreachable } from '../../shared/assert.ts';
import { isNodeId, MAX_NODE_ID_CHARACTERS } from '../../shared/node-id.ts';
import { addOperation } from '../add-operation.ts';
import type { ApiContext } from '../api-context.ts';
import { checkFields, optional } from '../check-fields.ts';
import { problem } from '../error-handler.ts';
import { engineRefusal } from '../refusals.ts';
import { readIdempotencyKey } from '../submit.ts';

type DoneChange = Extract<MemberChangeOutcome, { kind: 'done' }>;

/**
 * These routes ignore a valid Idempotency-Key, because a repeated change of members has no further effect.
 */
export function addClusterRoutes(app: FastifyInstance, context: ApiContext): void {
  addOperation(app, 'clusterStatus', async () => presentStatus(context));

  addOperation(app, 'joinCluster', async (request) => {
    readIdempotencyKey(request);
    const { node_id, addr, http_addr } = checkFields({
      node_id: checkNodeId(request.body.node_id),
      addr: checkAddress(request.body.addr),
      http_addr: optional(request.body.http_addr, checkAddress),
    });
    const change = { node: node_id, peerAddress: addr, httpAddress: http_addr ?? '' };
    const { leaderAddress, role } = await changeMembers(context.engine, { kind: 'add', ...change });
    return { status: 'success', leader: leaderAddress, role: role === 'voter' ? role : 'learner' };
  });

  addOperation(app, 'removeServer', async (request) => {
    readIdempotencyKey(request);
    const { id } = checkFields({ id: checkNodeId(request.query.id) });
    await changeMembers(context.engine, { kind: 'remove', node: id });
    return { status: 'removed', node_id: id };
  });
}

function presentStatus({ engine, addresses, version }: ApiContext): AnswerOf<'clusterStatus'> {
  const { node, clusterId, isLeader, leader, details } = engine.health();
  const answer = {
    node_id: node,
    cluster_id: clusterId,
    is_leader: isLeader,
    leader: leader?.peerAddress ?? '',
    leader_id: leader?.node ?? '',
    raft_addr: addresses.raft,
    http_addr: addresses.http,
    ...details,
    version,
    nodes: (engine.membership?.members() ?? []).map((member) => ({
      id: member.node,
      server: member.server,
      raft_addr: member.peerAddress,
      http_addr: member.httpAddress,
      role: member.role,
      healthy: member.isHealthy,
      last_contact_ms: member.lastContactMs === undefined ? null : Math.round(member.lastContactMs),
      ...member.details,
    })),
  };
  // The engine names the fields in `details`. The tests check the whole answer against the contract.
  return answer as unknown as AnswerOf<'clusterStatus'>;
}

async function changeMembers(engine: Engine, change: MemberChange): Promise<DoneChange> {
  const { membership } = engine;
  if (membership === undefined) {
    throw problem('member_change_refused', 'The members of this cluster are not changed through this API.', {
      node_id: change.node,
    });
  }
  const outcome = await new Promise<MemberChangeOutcome>((resolve) => membership.change(change, resolve));
  switch (outcome.kind) {
    case 'done':
      return outcome;
    case 'refused': {
      const { code, message } = outcome;
      const { problems }: Operation = OPERATIONS[change.kind === 'add' ? 'joinCluster' : 'removeServer'];
      const known = problems.find((declared) => declared === code) ?? 'member_change_refused';
      throw problem(known, message, { node_id: change.node });
    }
    case 'no-leader':
      throw engineRefusal('no-leader');
    case 'unknown':
      throw problem(
        'outcome_unknown',
        'The change of members was not confirmed in time: it may have happened, or may yet happen. ' +
          'Look at /cluster/status; sending it again does no harm.',
      );
    default:
      return unreachable(outcome);
  }
}

function checkNodeId(value: string): Checked<string> {
  if (isNodeId(value)) return accepted(value);
  return rejected(`must be 1 to ${MAX_NODE_ID_CHARACTERS} letters, digits, dots, underscores or hyphens`);
}

function checkAddress(value: unknown): Checked<string> {
  if (typeof value === 'string' && isDialable(value)) return accepted(value);
  return rejected('must be host:port or [v6]:port, with a port from 1 to 65535');
}
