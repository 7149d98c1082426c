import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { allAreVoters, waitForLeader } from '../../verify/kit/cluster-waits.ts';
import { addPrinter, hasPrinters, postPrinter, printerIds } from '../../verify/kit/farm-client.ts';
import { testAsRoot } from '../../verify/kit/needs-root.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { SmallDisk } from '../../verify/kit/small-disk.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const testOnSmallDisk = testAsRoot('mount a small disk');
const stage = useStage();

describe('a full disk', () => {
  testOnSmallDisk(
    'of the only node refuses writes with the reason, still serves reads, and recovers when there is room',
    async () => {
      const disk = SmallDisk.on(stage(), { megabytes: 128 });
      const node = await stage().newNode({ data: disk.directory, flags: ['-bootstrap'] });
      node.start();
      await allAreVoters([node]);
      const acknowledged = Array.from({ length: 100 }, (_, at) => `before-${at}`);
      for (const id of acknowledged) await addPrinter(node, id);

      disk.fill();
      let refusals = 0;
      await waitFor('writes are refused', async () => {
        const id = `full-${acknowledged.length}-${refusals}`;
        const answer = await postPrinter(node, id);
        if (answer.status === 201) acknowledged.push(id);
        else refusals += 1;
        return answer.status === 503 && answer.body.code === 'disk_full';
      });
      expect(await printerIds(node)).toEqual(expect.arrayContaining(acknowledged));
      expect((await node.request('/cluster/status')).status).toBe(200);

      disk.makeRoom();
      await addPrinter(node, 'room-again');
      await node.kill();
      node.start();
      await allAreVoters([node]);
      expect(await printerIds(node)).toEqual(expect.arrayContaining([...acknowledged, 'room-again']));
    },
  );

  testOnSmallDisk(
    'of a follower does not stop the cluster, and the follower catches up when there is room',
    async () => {
      const disk = SmallDisk.on(stage(), { megabytes: 128 });
      const [first, second] = (await stage().startCluster(2)) as [NodeProcess, NodeProcess];
      const small = await stage().newNode({
        id: 'small',
        data: disk.directory,
        flags: ['-join', first.httpAddress],
      });
      small.start();
      await allAreVoters([first, second, small]);
      disk.fill();
      const roomy = [first, second];
      const ids = Array.from({ length: 200 }, (_, at) => `while-full-${at}`);
      for (const [at, id] of ids.entries()) await addPrinter(roomy[at % 2] as NodeProcess, id);
      expect(await printerIds(second)).toEqual(expect.arrayContaining(ids));
      disk.makeRoom();
      if (!small.isRunning) small.start();
      await hasPrinters(small, ids);
    },
  );
});

/** Changes every occurrence of `text` in the node's data files, and returns their number. */
function damage(node: NodeProcess, text: string): number {
  let count = 0;
  for (const entry of fs.readdirSync(node.dataDirectory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || !file.endsWith('.mdb') || file.includes('lock')) continue;
    const bytes = fs.readFileSync(file);
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
      bytes.write('#', at + text.length - 1);
      count += 1;
    }
    fs.writeFileSync(file, bytes);
  }
  return count;
}

/** Reads all printers until the node has ended: damage may be found at the start, or when it is read. */
async function readUntilEnded(node: NodeProcess): Promise<void> {
  await waitFor(`${node.id} stops`, async () => {
    if (!node.isRunning) return true;
    // The client retries for longer than this test waits.
    await Promise.race([printerIds(node, { stale: true }).catch(() => undefined), node.ended]);
    return false;
  });
}

describe('damaged files', () => {
  test('stop the node with a line that names its files and the remedy, and the other nodes go on', async () => {
    const nodes = await stage().startCluster(3);
    const leader = await waitForLeader(nodes);
    const [damaged, other] = nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
    await addPrinter(leader, 'a-printer-to-damage');
    await hasPrinters(damaged, ['a-printer-to-damage']);
    await damaged.stop();
    expect(damage(damaged, 'a-printer-to-damage')).toBeGreaterThan(0);

    damaged.start();
    await readUntilEnded(damaged);
    expect((await damaged.ended).code).not.toBe(0);
    expect(damaged.output).toContain(damaged.dataDirectory);
    expect(damaged.output).toContain('-clean');
    await addPrinter(other, 'the-rest-goes-on');

    // The remedy that the line names.
    const members = `${leader.httpAddress},${other.httpAddress}`;
    damaged.start(['-bootstrap=false', '-clean', '-join', members]);
    await allAreVoters(nodes);
    await hasPrinters(damaged, ['a-printer-to-damage', 'the-rest-goes-on']);
  });

  test('without a valid header stop the node at its start', async () => {
    const [node] = (await stage().startCluster(1)) as [NodeProcess];
    await node.stop();
    for (const entry of fs.readdirSync(node.dataDirectory, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith('.mdb')) {
        fs.writeFileSync(path.join(entry.parentPath, entry.name), Buffer.alloc(64 * 1024, 'x'));
      }
    }
    node.start();
    expect((await node.ended).code).not.toBe(0);
    expect(node.output).toContain(node.dataDirectory);
  });
});
