import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { allAreVoters } from '../../verify/kit/cluster-waits.ts';
import { addPrinter, printerIds } from '../../verify/kit/farm-client.ts';
import { MAIN, type NodeProcess } from '../../verify/kit/node-process.ts';
import { runCommand } from '../../verify/kit/run-command.ts';
import { useStage } from '../../verify/kit/stage.ts';

const stage = useStage();

/** Waits for the end of a start that must fail, and returns its output. */
async function refused(node: NodeProcess): Promise<string> {
  const end = await node.ended;
  expect(end.signal).toBeNull();
  expect(end.code).not.toBe(0);
  return node.output;
}

describe('a refused start', () => {
  test('names a wrong option in one sentence on stderr, with exit code 2', async () => {
    for (const [args, sentence] of [
      [[], '-id is required'],
      [['-id', 'a', '-nonsense'], 'there is no flag -nonsense'],
      [['-id', 'a', '-http', 'nowhere'], '-http'],
      [['-id', 'a', '-file-level', 'loud'], '-file-level is one of'],
    ] as const) {
      const { code, stdout, stderr } = await runCommand([process.execPath, MAIN, ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(sentence);
    }
  });

  test('is not the answer to -h, which prints the usage on stdout and ends with exit code 0', async () => {
    const { code, stdout, stderr } = await runCommand([process.execPath, MAIN, '-h']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('-remove-dead-after duration');
  });

  test('of a second process on one data directory does not disturb the first', async () => {
    const [first] = (await stage().startCluster(1)) as [NodeProcess];
    const second = await stage().newNode({ id: first.id, flags: ['-bootstrap'] });
    second.start();
    expect(await refused(second)).toContain(first.dataDirectory);
    await addPrinter(first, 'still-mine');
    await first.kill();
    first.start();
    await allAreVoters([first]);
    expect(await printerIds(first)).toEqual(['still-mine']);
  });

  test('of a second process with -clean removes no files in use', async () => {
    const [first] = (await stage().startCluster(1)) as [NodeProcess];
    await addPrinter(first, 'precious');
    const second = await stage().newNode({ id: first.id, flags: ['-bootstrap', '-clean'] });
    second.start();
    await refused(second);
    await first.stop();
    first.start();
    await allAreVoters([first]);
    expect(await printerIds(first)).toEqual(['precious']);
  });

  test.each(['httpPort', 'raftPort'] as const)('names a %s in use', async (which) => {
    const node = await stage().newNode({ flags: ['-bootstrap'] });
    const port = node.settings[which];
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
    stage().onEnd(() => void holder.close());
    node.start();
    expect(await refused(node)).toContain(String(port));
    expect(node.logLines().some(({ level }) => level === 'error')).toBe(true);
  });

  test('names a data directory that cannot be created', async () => {
    const file = path.join(stage().directory, 'file');
    fs.writeFileSync(file, '');
    const node = await stage().newNode({ data: file, flags: ['-bootstrap'] });
    node.start();
    expect(await refused(node)).toContain(file);
  });

  test('names a log directory that cannot be created', async () => {
    const file = path.join(stage().directory, 'file');
    fs.writeFileSync(file, '');
    const node = await stage().newNode({ flags: ['-bootstrap', '-logs', file] });
    node.start();
    expect(await refused(node)).toContain('-logs');
  });
});

describe('flags of a start', () => {
  test('-bootstrap on a node that has state is ignored, with a log line', async () => {
    const [node] = (await stage().startCluster(1)) as [NodeProcess];
    await addPrinter(node, 'kept');
    await node.stop();
    node.start();
    await allAreVoters([node]);
    expect(await printerIds(node)).toEqual(['kept']);
    expect(
      node.logLines().some(({ msg }) => /bootstrap/.test(String(msg)) && /ignored/.test(String(msg))),
    ).toBe(true);
  });

  test('a node with state and neither -join nor -bootstrap rejoins its cluster', async () => {
    const nodes = await stage().startCluster(3);
    const [first, second] = nodes as [NodeProcess, NodeProcess];
    await second.stop();
    await addPrinter(first, 'meanwhile');
    const again = stage().withFlags(second, []);
    again.start();
    await allAreVoters([first, again]);
    expect(await printerIds(again)).toEqual(['meanwhile']);
  });

  test('-clean removes the node’s own directory only', async () => {
    const [node] = (await stage().startCluster(1)) as [NodeProcess];
    await addPrinter(node, 'gone');
    await node.stop();
    const neighbour = path.join(stage().data, 'neighbour.txt');
    fs.writeFileSync(neighbour, 'mine');
    node.start(['-clean']);
    await allAreVoters([node]);
    expect(await printerIds(node)).toEqual([]);
    expect(fs.readFileSync(neighbour, 'utf8')).toBe('mine');
  });

  test('a node writes only below its data directory and to its log file', async () => {
    const [node] = (await stage().startCluster(1)) as [NodeProcess];
    await addPrinter(node, 'kept');
    await node.stop();
    expect(fs.readdirSync(stage().directory).sort()).toEqual(['data', 'logs']);
    expect(fs.readdirSync(stage().data)).toEqual([node.id]);
    expect(fs.readdirSync(stage().logs)).toEqual([`${node.id}.log`]);
  });
});
