import { describe, expect, test } from 'vitest';
import { apiRequest } from '../../verify/kit/api-request.ts';
import { allAreVoters, waitForLeader } from '../../verify/kit/cluster-waits.ts';
import { addPrinter, hasPrinters, printerIds } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { type Stage, useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const stage = useStage();

async function memberIds(node: NodeProcess): Promise<string[]> {
  return (await node.statusNow()).nodes.map(({ id }) => id).sort();
}

async function waitForMembers(nodes: readonly NodeProcess[], ids: readonly string[]): Promise<void> {
  for (const node of nodes) {
    await waitFor(`${node.id} has the members ${ids.join(', ')}`, async () => {
      const seen = await memberIds(node);
      return seen.join() === [...ids].sort().join();
    });
  }
}

/** Starts a node that joins the given ones, and waits until it is a voter. */
async function join(on: Stage, members: readonly NodeProcess[], id: string): Promise<NodeProcess> {
  const addresses = members.map(({ httpAddress }) => httpAddress).join(',');
  const node = await on.newNode({ id, flags: ['-join', addresses] });
  node.start();
  await allAreVoters([...members, node]);
  return node;
}

describe('joining', () => {
  test('works through a follower, and past an address that does not answer', async () => {
    const nodes = await stage().startCluster(2);
    const leader = await waitForLeader(nodes);
    const follower = nodes.find((node) => node !== leader) as NodeProcess;
    await addPrinter(leader, 'before-the-join');
    const nobody = await stage().newNode();
    const third = await stage().newNode({
      id: 'third',
      flags: ['-join', `${nobody.httpAddress},${follower.httpAddress}`],
    });
    third.start();
    await allAreVoters([...nodes, third]);
    await hasPrinters(third, ['before-the-join']);
    await addPrinter(third, 'through-the-third');
  });

  test('waits for a cluster that starts later', async () => {
    const first = await stage().newNode({ flags: ['-bootstrap'] });
    const second = await stage().newNode({ flags: ['-join', first.httpAddress] });
    second.start();
    await waitFor('the node waits', async () => (await second.statusNow()).state === 'waiting');
    first.start();
    await allAreVoters([first, second]);
  });

  test('again with the same addresses changes nothing', async () => {
    const nodes = await stage().startCluster(3);
    const [, second] = nodes as [NodeProcess, NodeProcess];
    const body = { node_id: second.id, addr: second.raftAddress, http_addr: second.httpAddress };
    for (const node of nodes) {
      const answer = await node.request('/join', { body });
      expect(answer).toMatchObject({ status: 200, body: { status: 'success' } });
      expect(nodes.map(({ raftAddress }) => raftAddress)).toContain(answer.body.leader);
    }
    await waitForMembers(nodes, ['node1', 'node2', 'node3']);
  });

  test('with the id of a live node is refused, and the cluster goes on', async () => {
    const nodes = await stage().startCluster(2);
    const [first] = nodes as [NodeProcess];
    const double = await stage().newNode({
      id: 'node2',
      data: `${stage().directory}/elsewhere`,
      flags: ['-join', first.httpAddress],
    });
    double.start();
    expect(await double.ended).toEqual({ code: 1, signal: null });
    expect(double.output).toContain('choose another -id');
    await addPrinter(first, 'still-working');
    await waitForMembers(nodes, ['node1', 'node2']);
    expect((await first.statusNow()).nodes.map(({ raft_addr }) => raft_addr)).not.toContain(
      double.raftAddress,
    );
  });

  test('with the address of another member is refused', async () => {
    const nodes = await stage().startCluster(2);
    const [first, second] = nodes as [NodeProcess, NodeProcess];
    const answer = await first.request('/join', { body: { node_id: 'node9', addr: second.raftAddress } });
    expect(answer).toMatchObject({ status: 409, body: { code: 'address_in_use' } });
    await waitForMembers(nodes, ['node1', 'node2']);
  });

  test('at an address where no node listens is refused and adds no member', async () => {
    const nodes = await stage().startCluster(1);
    const [first] = nodes as [NodeProcess];
    const nobody = await stage().newNode();
    const body = { node_id: 'ghost', addr: nobody.raftAddress };
    expect(await first.request('/join', { body })).toMatchObject({
      status: 409,
      body: { code: 'node_unreachable' },
    });
    await waitForMembers(nodes, ['node1']);
  });
});

describe('removing', () => {
  test('a node makes it report so, causes no election, and lets it join again', async () => {
    const nodes = await stage().startCluster(3);
    const leader = await waitForLeader(nodes);
    const [removed, other] = nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
    const rest = [leader, other];
    await addPrinter(leader, 'before');
    const answer = await other.request(`/cluster/servers?id=${removed.id}`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 200, body: { status: 'removed', node_id: removed.id } });
    await waitForMembers(
      rest,
      rest.map(({ id }) => id),
    );
    await waitFor(
      'the node reports its removal',
      async () => (await removed.statusNow()).state === 'removed',
    );

    // The term stays the same: the removed node starts no election.
    const { term } = await leader.statusNow();
    for (let count = 0; count < 20; count++) await addPrinter(leader, `undisturbed-${count}`);
    expect((await leader.statusNow()).term).toBe(term);

    await removed.stop();
    removed.start(['-bootstrap=false', '-join', rest.map(({ httpAddress }) => httpAddress).join(',')]);
    await allAreVoters(nodes);
    await hasPrinters(removed, ['before', 'undisturbed-19']);
  });

  test('the leader makes the others elect a new one and go on', async () => {
    const nodes = await stage().startCluster(3);
    const leader = await waitForLeader(nodes);
    const rest = nodes.filter((node) => node !== leader);
    const answer = await leader.request(`/cluster/servers?id=${leader.id}`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 200, body: { status: 'removed', node_id: leader.id } });
    const next = await waitForLeader(rest);
    await addPrinter(next, 'without-the-old-leader');
    await waitForMembers(
      rest,
      rest.map(({ id }) => id),
    );
    await waitFor(
      'the old leader reports its removal',
      async () => (await leader.statusNow()).state === 'removed',
    );
  });

  test('a node that is down works, and its return causes no election', async () => {
    const nodes = await stage().startCluster(3);
    const leader = await waitForLeader(nodes);
    const [down, other] = nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
    await down.kill();
    const answer = await leader.request(`/cluster/servers?id=${down.id}`, { method: 'DELETE' });
    expect(answer.status).toBe(200);
    const { term } = await leader.statusNow();
    down.start(['-bootstrap=false', '-join=127.0.0.1:1']);
    await waitFor('the node learns of its removal', async () =>
      ['removed', 'waiting'].includes((await down.statusNow()).state),
    );
    await addPrinter(other, 'undisturbed');
    expect((await leader.statusNow()).term).toBe(term);
  });

  test('an unknown node is a 404, and the last voter cannot be removed', async () => {
    const [node] = (await stage().startCluster(1)) as [NodeProcess];
    const remove = (id: string) => node.request(`/cluster/servers?id=${id}`, { method: 'DELETE' });
    expect(await remove('nobody')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await remove('node1')).toMatchObject({ status: 409, body: { code: 'last_voter' } });
    await addPrinter(node, 'still-here');
  });

  test('and joining take a cluster from one node to five and back to two, with writes throughout', async () => {
    const on = stage();
    const nodes = await on.startCluster(1);
    for (const id of ['b', 'c', 'd', 'e']) {
      nodes.push(await join(on, nodes, id));
      await addPrinter(nodes[0] as NodeProcess, `with-${id}`);
    }
    while (nodes.length > 2) {
      const leader = await waitForLeader(nodes);
      const gone = nodes.find((node) => node !== leader) as NodeProcess;
      const answer = await leader.request(`/cluster/servers?id=${gone.id}`, { method: 'DELETE' });
      expect(answer.status).toBe(200);
      await gone.stop();
      nodes.splice(nodes.indexOf(gone), 1);
      await addPrinter(leader, `without-${gone.id}`);
    }
    for (const node of nodes) expect(await printerIds(node)).toHaveLength(7);
  });
});

/** Whether the node's log has a line with these words about the other node. */
function logs(node: NodeProcess, words: string, about: NodeProcess): boolean {
  return node
    .logLines()
    .map((line) => JSON.stringify(line))
    .some((line) => line.includes(words) && line.includes(`"${about.id}@`));
}

describe('automatic removal', () => {
  const flags = ['-remove-dead-after', '2s', '-new-member-grace', '0'];

  test('removes a voter that is silent for too long, logs each step, and lets it join again', async () => {
    const nodes = await stage().startCluster(3, { flags });
    const leader = await waitForLeader(nodes);
    const [dead, other] = nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
    await dead.kill();
    await waitForMembers([leader, other], [leader.id, other.id]);
    for (const step of ['member is silent', 'silent member is removed']) {
      await waitFor(`the leader logs: ${step}`, () => logs(leader, step, dead));
    }
    dead.start(['-bootstrap=false', '-join', `${leader.httpAddress},${other.httpAddress}`]);
    await allAreVoters(nodes);
  });

  test('never goes below -min-voters, and logs the reason', async () => {
    const nodes = await stage().startCluster(3, { flags: [...flags, '-min-voters', '3'] });
    const leader = await waitForLeader(nodes);
    const [dead] = nodes.filter((node) => node !== leader) as [NodeProcess];
    await dead.kill();
    await waitFor('the leader logs the reason', () => logs(leader, 'fewer than -min-voters 3', dead));
    await waitForMembers([leader], ['node1', 'node2', 'node3']);
    dead.start();
    await allAreVoters(nodes);
  });
});

describe('a node of another cluster', () => {
  test('is refused and logged, whichever side dials, and both clusters go on', async () => {
    const ours = await stage().startCluster(2);
    const [first] = ours as [NodeProcess];
    const foreign = await stage().newNode({ id: 'foreign', flags: ['-bootstrap'] });
    foreign.start();
    await allAreVoters([foreign]);

    const body = { node_id: foreign.id, addr: foreign.raftAddress, http_addr: foreign.httpAddress };
    const answer = await apiRequest(`http://${first.httpAddress}/join`, { body });
    expect(answer.status).toBe(409);

    // Its own join is refused with the reason. Without a join it goes on alone.
    await foreign.stop();
    const asking = stage().withFlags(foreign, ['-join', first.httpAddress]);
    asking.start();
    expect(await asking.ended).toEqual({ code: 1, signal: null });
    expect(asking.output).toContain('cluster');
    foreign.start();
    await waitForLeader([foreign]);
    await waitForMembers(ours, ['node1', 'node2']);
    await waitForMembers([foreign], ['foreign']);
    await addPrinter(first, 'ours');
    await addPrinter(foreign, 'theirs');
    expect(await printerIds(foreign)).toEqual(['theirs']);
    expect(await printerIds(first)).toEqual(['ours']);
  });
});
