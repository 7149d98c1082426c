import { expect, test } from 'vitest';
import { clientOf } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { runCommand } from '../../verify/kit/run-command.ts';
import { useStage } from '../../verify/kit/stage.ts';

const stage = useStage();
const WRITES = 300;
const KILL_EVERY = 100;

test('a client of three nodes goes on writing while the node that answers it is killed, and each write is applied once', async () => {
  const nodes = await stage().startCluster(3);
  const client = clientOf(...nodes);
  const addressed = (url: string): NodeProcess => {
    const found = nodes.find(({ httpAddress }) => url === `http://${httpAddress}`);
    if (found === undefined) throw new Error(`${url} is not a node of this cluster`);
    return found;
  };
  let killed: NodeProcess | undefined;
  for (let count = 1; count <= WRITES; count++) {
    const id = `printer-${String(count).padStart(4, '0')}`;
    const reply = client.reply('createPrinter', { body: { id, company: 'Prusa', model: 'MK4' } });
    // The write is in progress: its answer may be lost, and the client must recover by itself.
    if (count % KILL_EVERY === 0) {
      killed?.start();
      killed = addressed((await client.reply('clusterStatus')).node);
      await killed.kill();
    }
    expect((await reply).status).toBe(201);
  }
  const ids: string[] = [];
  for await (const { id } of client.list('listPrinters', { limit: 70 })) ids.push(id);
  expect(ids).toHaveLength(WRITES);
  expect(new Set(ids).size).toBe(WRITES);
});

test('a client waits for a quorum to come back, and its write is then applied', async () => {
  const nodes = await stage().startCluster(3);
  const [first, second, third] = nodes as [NodeProcess, NodeProcess, NodeProcess];
  await Promise.all([second.kill(), third.kill()]);
  const write = clientOf(first).call('createPrinter', { body: { id: 'a', company: 'Prusa', model: 'XL' } });
  second.start();
  expect(await write).toEqual({ id: 'a', company: 'Prusa', model: 'XL' });
});

test('programs import the client by its name, raft3d/client', async () => {
  const program = "import('raft3d/client').then(({ Client }) => console.log(typeof Client))";
  const { code, stdout } = await runCommand([process.execPath, '--eval', program], { cwd: PROJECT_ROOT });
  expect([code, stdout.trim()]).toEqual([0, 'function']);
});
