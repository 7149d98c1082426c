import { describe, expect, test } from 'vitest';
import { allAreVoters, waitForLeader } from '../../verify/kit/cluster-waits.ts';
import { addPrinter, hasPrinters, postPrinter } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const COMPACT_AFTER = 200;
const stage = useStage();

/** Writes until the node has compacted its log once more, and returns the ids of the printers. */
async function writeUntilCompacted(node: NodeProcess, prefix: string): Promise<string[]> {
  const ids: string[] = [];
  const { snapshot_index: before } = await node.statusNow();
  await waitFor(`${node.id} compacts its log`, async () => {
    const batch = Array.from({ length: 50 }, (_, at) => `${prefix}-${ids.length + at}`);
    const answers = await Promise.all(batch.map((id) => postPrinter(node, id)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    ids.push(...batch);
    return (await node.statusNow()).snapshot_index > before;
  });
  return ids;
}

/** The servers that `seenBy` has as members under the id of `node`. */
async function serversOf(node: NodeProcess, seenBy: NodeProcess): Promise<string[]> {
  const { nodes } = await seenBy.statusNow();
  return nodes.filter(({ id }) => id === node.id).map(({ server }) => server);
}

describe('a follower that lacks compacted entries', () => {
  test('with a wiped disk joins as a new incarnation, gets a snapshot and later entries, and votes again', async () => {
    const nodes = await stage().startCluster(3, { flags: ['-compact-after', String(COMPACT_AFTER)] });
    const leader = await waitForLeader(nodes);
    const [wiped, other] = nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
    const [formerServer] = await serversOf(wiped, leader);
    await wiped.kill();
    wiped.wipe();
    const ids = await writeUntilCompacted(leader, 'while-wiped');

    wiped.start(['-bootstrap=false', '-join', `${leader.httpAddress},${other.httpAddress}`]);
    await hasPrinters(wiped, ids);
    await allAreVoters(nodes);
    const servers = await serversOf(wiped, leader);
    expect(servers).toHaveLength(1);
    expect(servers).not.toContain(formerServer);

    // Its vote counts: without the other follower, the majority needs it.
    await other.kill();
    await addPrinter(wiped, 'with-the-new-voter');
    await hasPrinters(wiped, [...ids, 'with-the-new-voter']);
  });

  test('with its own disk catches up by snapshot while the leader goes on serving', async () => {
    const nodes = await stage().startCluster(3, { flags: ['-compact-after', String(COMPACT_AFTER)] });
    const leader = await waitForLeader(nodes);
    const [late] = nodes.filter((node) => node !== leader) as [NodeProcess];
    await addPrinter(leader, 'known-to-all');
    await late.kill();
    const ids = await writeUntilCompacted(leader, 'while-down');
    late.start();
    const during = Array.from({ length: 100 }, (_, at) => `while-catching-up-${at}`);
    for (const id of during) await addPrinter(leader, id);
    await hasPrinters(late, ['known-to-all', ...ids, ...during]);
    await late.kill();
    late.start();
    await allAreVoters(nodes);
    await hasPrinters(late, ['known-to-all', ...ids, ...during]);
  });
});
