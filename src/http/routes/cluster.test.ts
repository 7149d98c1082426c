import { expect, test } from 'vitest';
import { createTestApp, MEMBER } from '../testing/app.ts';

const JOIN = { node_id: 'node2', addr: '127.0.0.1:7001', http_addr: '127.0.0.1:8081' };

test('the status says who leads, how far the log is, and how the members are', async () => {
  const { app } = createTestApp();
  const answer = await app.inject('/cluster/status');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({
    node_id: 'node1',
    cluster_id: 'cluster-1',
    is_leader: true,
    leader: '127.0.0.1:7000',
    leader_id: 'node1',
    raft_addr: '127.0.0.1:7000',
    http_addr: '127.0.0.1:8080',
    state: 'leader',
    term: 3,
    commit_index: 0,
    applied_index: 0,
    last_log_index: 0,
    snapshot_index: 0,
    version: '0.0.0-test',
    nodes: [
      {
        id: 'node1',
        server: 'node1@abc',
        raft_addr: '127.0.0.1:7000',
        http_addr: '127.0.0.1:8080',
        role: 'voter',
        healthy: true,
        last_contact_ms: 0,
        match_index: 0,
      },
    ],
  });
});

test('the status answers without a leader', async () => {
  const { app, engine } = createTestApp();
  engine.trouble = 'no-leader';
  engine.members = [{ ...MEMBER, lastContactMs: undefined, details: { match_index: null } }];
  const answer = await app.inject('/cluster/status');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    is_leader: false,
    leader: '',
    leader_id: '',
    nodes: [{ last_contact_ms: null, match_index: null }],
  });
});

test('a join is answered with the leader and the role of the node', async () => {
  const { app, engine } = createTestApp();
  const answer = await app.inject({ method: 'POST', url: '/join', payload: JOIN });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'success', leader: '127.0.0.1:7000', role: 'voter' });
  const { http_addr: _, ...seedJoin } = JOIN;
  await app.inject({ method: 'POST', url: '/join', payload: seedJoin });
  const change = { kind: 'add', node: 'node2', peerAddress: '127.0.0.1:7001' };
  expect(engine.memberChanges).toEqual([
    { ...change, httpAddress: '127.0.0.1:8081' },
    { ...change, httpAddress: '' },
  ]);
});

test.each([
  [{ node_id: '' }, 'node_id'],
  [{ node_id: 'a b' }, 'node_id'],
  [{ node_id: 'x'.repeat(65) }, 'node_id'],
  [{ node_id: 5 }, 'node_id'],
  [{ addr: '127.0.0.1' }, 'addr'],
  [{ addr: '127.0.0.1:0' }, 'addr'],
  [{ addr: '127.0.0.1:65536' }, 'addr'],
  [{ addr: 'http://a:1' }, 'addr'],
  [{ http_addr: ':8080' }, 'http_addr'],
  [{ role: 'voter' }, 'role'],
])('a join with %j is refused, naming the field', async (change, field) => {
  const { app, engine } = createTestApp();
  const answer = await app.inject({ method: 'POST', url: '/join', payload: { ...JOIN, ...change } });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
  expect(engine.memberChanges).toEqual([]);
});

test('a join takes [v6]:port as an address', async () => {
  const { app } = createTestApp();
  const payload = { ...JOIN, addr: '[::1]:7001' };
  expect((await app.inject({ method: 'POST', url: '/join', payload })).statusCode).toBe(200);
});

const JOINING = { method: 'POST', url: '/join', payload: JOIN } as const;
const REMOVING = { method: 'DELETE', url: '/cluster/servers?id=node2' } as const;

test.each([
  ['node_id_in_use', 409, JOINING],
  ['address_in_use', 409, JOINING],
  ['would_lose_quorum', 409, JOINING],
  ['too_busy', 503, JOINING],
  ['last_voter', 409, REMOVING],
  ['not_found', 404, REMOVING],
  ['too_busy', 503, REMOVING],
] as const)('a change that the cluster refuses with %s answers %i', async (code, status, request) => {
  const { app, engine } = createTestApp();
  engine.memberOutcome = { kind: 'refused', code, message: 'Because.' };
  const answer = await app.inject(request);
  expect(answer.statusCode).toBe(status);
  expect(answer.json()).toMatchObject({ code, detail: 'Because.', node_id: 'node2' });
});

test.each([
  ['some_new_reason', JOINING],
  ['not_found', JOINING],
  ['wrong_node', REMOVING],
])(
  'a refusal with a code that the operation does not list, %s, is still a refusal',
  async (code, request) => {
    const { app, engine } = createTestApp();
    engine.memberOutcome = { kind: 'refused', code, message: 'Because.' };
    const answer = await app.inject(request);
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'member_change_refused']);
  },
);

test('a change of members says that there is no leader, or that its outcome is unknown', async () => {
  const { app, engine } = createTestApp();
  engine.memberOutcome = { kind: 'no-leader' };
  const noLeader = await app.inject({ method: 'POST', url: '/join', payload: JOIN });
  expect([noLeader.statusCode, noLeader.headers['retry-after']]).toEqual([503, '1']);
  engine.memberOutcome = { kind: 'unknown' };
  const unknown = await app.inject({ method: 'DELETE', url: '/cluster/servers?id=node2' });
  expect([unknown.statusCode, unknown.json().code]).toEqual([504, 'outcome_unknown']);
});

test('an engine without a membership part refuses changes of members, and shows none', async () => {
  const { app, engine } = createTestApp();
  engine.membership = undefined;
  expect((await app.inject('/cluster/status')).json()).toMatchObject({ node_id: 'node1', nodes: [] });
  for (const request of [
    { method: 'POST', url: '/join', payload: JOIN },
    { method: 'DELETE', url: '/cluster/servers?id=node2' },
  ] as const) {
    const answer = await app.inject(request);
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'member_change_refused']);
  }
});

test('the answer to a removal names the node', async () => {
  const { app, engine } = createTestApp();
  engine.memberOutcome = { kind: 'done', leaderAddress: '127.0.0.1:7000', role: 'removed' };
  const answer = await app.inject({ method: 'DELETE', url: '/cluster/servers?id=node3' });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'removed', node_id: 'node3' });
  expect(engine.memberChanges).toEqual([{ kind: 'remove', node: 'node3' }]);
  expect((await app.inject({ method: 'DELETE', url: '/cluster/servers' })).statusCode).toBe(400);
});
