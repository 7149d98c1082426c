import { Type } from 'typebox';
import { DIALABLE_PATTERN, MAX_ADDRESS_CHARACTERS } from '../../shared/address.ts';
import { NODE_ID_PATTERN } from '../../shared/node-id.ts';
import { countOrNull, EXACT } from './values.ts';

export const NodeId = Type.String({ pattern: NODE_ID_PATTERN, examples: ['node4'] });

const address = (node: string, port: number) =>
  Type.String({
    maxLength: MAX_ADDRESS_CHARACTERS,
    pattern: DIALABLE_PATTERN,
    description: `${node}, as host:port or [v6]:port.`,
    examples: [`127.0.0.1:${port}`],
  });
const text = (example: string, description?: string) =>
  Type.String({ ...(description !== undefined && { description }), examples: [example] });
const count = (description: string) => Type.Integer({ minimum: 0, description, examples: [42] });

const ClusterMember = Type.Object(
  {
    id: text('node1'),
    server: text('node1@5f2c9a', 'The id with the incarnation that the node’s disk holds.'),
    raft_addr: text('127.0.0.1:7000'),
    http_addr: text('127.0.0.1:8080'),
    role: Type.Enum(['voter', 'learner']),
    healthy: Type.Boolean({ examples: [true] }),
    last_contact_ms: countOrNull({
      description: 'Milliseconds since the answering node last heard from it; null when it never did.',
      examples: [12],
    }),
    match_index: countOrNull({
      description: 'How much of the log the member surely has; null except on the leader.',
      examples: [42],
    }),
  },
  { title: 'ClusterMember' },
);

export const ClusterStatus = Type.Object(
  {
    node_id: text('node1', 'This node.'),
    cluster_id: text('b8b1c6', 'The same on all members; empty until the node is one.'),
    is_leader: Type.Boolean({ examples: [true] }),
    leader: text('127.0.0.1:7000', 'The leader’s Raft address, or empty when this node knows of none.'),
    leader_id: text('node1', 'The leader’s id, or empty when this node knows of none.'),
    raft_addr: text('127.0.0.1:7000'),
    http_addr: text('127.0.0.1:8080'),
    state: Type.Enum(
      ['leader', 'follower', 'candidate', 'pre-candidate', 'learner', 'waiting', 'removed', 'stopped'],
      { description: 'waiting: until the node is joined to a cluster.' },
    ),
    term: count('The term of the election.'),
    commit_index: count('The last log entry that is committed, as far as this node knows.'),
    applied_index: count('The last log entry in this node’s state.'),
    last_log_index: count('The last entry in this node’s log.'),
    snapshot_index: count('The last entry that was compacted away.'),
    version: text('0.1.0', 'Of the program on this node.'),
    nodes: Type.Array(ClusterMember),
  },
  { title: 'ClusterStatus' },
);

export const JoinRequest = Type.Object(
  {
    node_id: NodeId,
    addr: address('The node’s Raft address', 7003),
    http_addr: Type.Optional(address('The node’s HTTP address', 8083)),
  },
  { title: 'JoinRequest', ...EXACT },
);

export const Joined = Type.Object(
  {
    status: Type.Literal('success'),
    leader: text('127.0.0.1:7000', 'The leader’s Raft address.'),
    role: Type.Enum(['voter', 'learner']),
  },
  { title: 'Joined' },
);

export const Removed = Type.Object(
  { status: Type.Literal('removed'), node_id: NodeId },
  { title: 'Removed' },
);
