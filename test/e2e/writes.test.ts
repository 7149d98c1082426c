import { describe, expect, test } from 'vitest';
import { waitForLeader } from '../../verify/kit/cluster-waits.ts';
import { addPrinter, postPrinter, printerIds } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { useSharedStage } from '../../verify/kit/stage.ts';

let nodes: NodeProcess[] = [];

useSharedStage(async (stage) => {
  nodes = await stage.startCluster(3);
});

describe('a cluster of three nodes', () => {
  test('takes writes through every node, and every node shows them at once', async () => {
    for (const [at, node] of nodes.entries()) {
      const answer = await postPrinter(node, `through-${at}`);
      expect(answer.status).toBe(201);
      expect(answer.headers.get('location')).toBe(`/api/v1/printers/through-${at}`);
      for (const other of nodes) expect(await printerIds(other)).toContain(`through-${at}`);
    }
  });

  test('refuses a wrong write through every node, and changes nothing', async () => {
    const [first] = nodes as [NodeProcess];
    await addPrinter(first, 'taken');
    const before = await printerIds(first);
    for (const node of nodes) {
      expect(await postPrinter(node, 'taken')).toMatchObject({
        status: 409,
        body: { code: 'already_exists' },
      });
    }
    expect(await printerIds(first)).toEqual(before);
  });

  test('lets one of two jobs have the last grams when they race through different nodes', async () => {
    const [a, b, c] = nodes as [NodeProcess, NodeProcess, NodeProcess];
    await addPrinter(a, 'racer');
    const spool = { id: 'last-grams', type: 'pla', color: 'Red', total_weight_in_grams: 10.5 };
    expect((await a.request('/api/v1/filaments', { body: spool })).status).toBe(201);
    const answers = await Promise.all(
      [a, b, c].map((node, at) =>
        node.request('/api/v1/print_jobs', {
          body: {
            id: `race-${at}`,
            printer_id: 'racer',
            filament_id: 'last-grams',
            filepath: '/models/benchy.gcode',
            print_weight_in_grams: 10.5,
          },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    for (const { status, body } of answers) {
      if (status === 409)
        expect(body).toMatchObject({ code: 'insufficient_filament', available: 0, asked: 10.5 });
    }
    const left = await c.request('/api/v1/filaments/last-grams');
    expect(left.body).toMatchObject({
      type: 'PLA',
      reserved_weight_in_grams: 10.5,
      available_weight_in_grams: 0,
    });
  });

  test('applies a retry with the same Idempotency-Key once, through any node, with the same answer', async () => {
    const answers = [];
    for (const node of nodes) answers.push(await postPrinter(node, 'once', { 'idempotency-key': 'retry-1' }));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await postPrinter(nodes[0] as NodeProcess, 'once')).toMatchObject({ status: 409 });
  });

  test('has exactly one leader, and every node names it', async () => {
    const leader = await waitForLeader(nodes);
    for (const node of nodes) {
      expect(await node.status()).toMatchObject({
        node_id: node.id,
        is_leader: node === leader,
        leader: leader.raftAddress,
        leader_id: leader.id,
        raft_addr: node.raftAddress,
        http_addr: node.httpAddress,
      });
    }
  });

  test('refuses writes and linearizable reads without a quorum, serves stale reads, and recovers', async () => {
    const survivor = await waitForLeader(nodes);
    const others = nodes.filter((node) => node !== survivor);
    await addPrinter(survivor, 'before-the-split');
    for (const node of others) node.pause();
    try {
      const write = await postPrinter(survivor, 'nobody-confirms');
      expect([503, 504]).toContain(write.status);
      const read = await survivor.request('/api/v1/printers');
      expect(read).toMatchObject({ status: 503, body: { code: 'no_leader' } });
      expect(read.headers.get('retry-after')).not.toBeNull();
      expect(await printerIds(survivor, { stale: true })).toContain('before-the-split');
      expect((await survivor.request('/cluster/status')).status).toBe(200);
    } finally {
      for (const node of others) node.resume();
    }
    await addPrinter(survivor, 'after-the-split');
    for (const node of nodes) expect(await printerIds(node)).toContain('after-the-split');
  });
});
