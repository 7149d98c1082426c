import { describe, expect, test } from 'vitest';
import { allAreVoters, waitForLeader } from '../../verify/kit/cluster-waits.ts';
import { addPrinter, hasPrinters, printerIds } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';
import { WriteLoad } from '../../verify/kit/write-load.ts';

const stage = useStage();

/** Waits until this many more writes have been acknowledged. */
async function moreWrites(load: WriteLoad, count: number): Promise<void> {
  const wanted = load.acknowledged.length + count;
  await waitFor(`${count} more writes are acknowledged`, () => load.acknowledged.length >= wanted);
}

async function expectNothingLost(load: WriteLoad, nodes: readonly NodeProcess[]): Promise<void> {
  for (const node of nodes) {
    const ids = await printerIds(node);
    expect(ids).toEqual(expect.arrayContaining(load.acknowledged));
    expect(ids.filter((id) => !load.sent.has(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  }
}

describe('kill -9', () => {
  test('of the leader under load, repeatedly, loses no acknowledged write, applies none twice, and no read goes back', async () => {
    const nodes = await stage().startCluster(3);
    const load = new WriteLoad(nodes);
    for (let round = 0; round < 3; round++) {
      await moreWrites(load, 100);
      const leader = await waitForLeader(nodes);
      await leader.kill();
      await waitForLeader(nodes.filter((node) => node !== leader));
      await moreWrites(load, 50);
      leader.start();
      await allAreVoters(nodes);
    }
    await load.stop();
    await expectNothingLost(load, nodes);
    expect(load.wrongReads).toEqual([]);
    // Each id was sent once: a 409 would mean that the cluster applied it twice.
    expect(load.refusals.get(409)).toBeUndefined();
    for (const node of nodes) await hasPrinters(node, load.acknowledged);
  });

  test('of all three nodes under load loses no acknowledged write, and writes go on after the restart', async () => {
    const nodes = await stage().startCluster(3);
    const load = new WriteLoad(nodes);
    await moreWrites(load, 300);
    await Promise.all(nodes.map((node) => node.kill()));
    await load.stop();
    for (const node of nodes) node.start();
    await waitForLeader(nodes);
    await expectNothingLost(load, nodes);
    await addPrinter(nodes[1] as NodeProcess, 'after-the-restart');
    for (const node of nodes) expect(await printerIds(node)).toContain('after-the-restart');
  });

  test('of a single node loses no acknowledged write', async () => {
    const [node] = (await stage().startCluster(1)) as [NodeProcess];
    const load = new WriteLoad([node]);
    await moreWrites(load, 300);
    await node.kill();
    await load.stop();
    node.start();
    await waitForLeader([node]);
    await expectNothingLost(load, [node]);
  });

  test('a leader that was suspended follows its successor and serves no stale read', async () => {
    const nodes = await stage().startCluster(3);
    const old = await waitForLeader(nodes);
    const others = nodes.filter((node) => node !== old);
    await addPrinter(old, 'before');
    old.pause();
    const successor = await waitForLeader(others);
    await addPrinter(successor, 'meanwhile');
    old.resume();
    expect(await waitFor('the old leader answers a read', () => printerIds(old))).toContain('meanwhile');
    await waitFor('the old leader is a follower', async () => (await old.statusNow()).state === 'follower');
  });
});

describe('an orderly stop', () => {
  test('of the leader hands leadership over, ends with exit code 0, and loses no write', async () => {
    const nodes = await stage().startCluster(3);
    const load = new WriteLoad(nodes);
    await moreWrites(load, 100);
    const leader = await waitForLeader(nodes);
    expect(await leader.stop()).toEqual({ code: 0, signal: null });
    const others = nodes.filter((node) => node !== leader);
    await waitForLeader(others);
    await moreWrites(load, 50);
    leader.start();
    await allAreVoters(nodes);
    await load.stop();
    await expectNothingLost(load, nodes);
    expect(load.wrongReads).toEqual([]);
  });

  test('of all three nodes, one after another, loses no write across the restart', async () => {
    const nodes = await stage().startCluster(3);
    await addPrinter(nodes[0] as NodeProcess, 'kept');
    for (const node of nodes) expect(await node.stop()).toEqual({ code: 0, signal: null });
    for (const node of nodes) node.start();
    await allAreVoters(nodes);
    for (const node of nodes) expect(await printerIds(node)).toEqual(['kept']);
  });
});
