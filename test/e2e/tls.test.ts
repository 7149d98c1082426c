import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { addPrinter, printerIds } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';
import { makeTlsMaterial } from '../contracts/transport-certificates.ts';

const stage = useStage();

/** Creates an authority and a certificate, and returns the flags that nodes of one cluster share. */
function tlsFlags(name: string): string[] {
  const { key, cert, ca } = makeTlsMaterial();
  const files = { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca };
  return Object.entries(files).flatMap(([flag, content]) => {
    const file = path.join(stage().directory, `${name}-${flag}.pem`);
    fs.writeFileSync(file, content);
    return [`-${flag}`, file];
  });
}

describe('TLS between the nodes', () => {
  test('admits nodes of one authority, and refuses a node without TLS or of another authority', async () => {
    const nodes = await stage().startCluster(3, { flags: tlsFlags('ours') });
    const [first, second] = nodes as [NodeProcess, NodeProcess];
    await addPrinter(second, 'over-tls');
    for (const node of nodes) expect(await printerIds(node)).toEqual(['over-tls']);

    for (const [id, flags] of [
      ['plain', []],
      ['stranger', tlsFlags('theirs')],
    ] as const) {
      const outsider = await stage().newNode({ id, flags: [...flags, '-join', first.httpAddress] });
      outsider.start();
      await waitFor('the join is refused', () => /refused|cannot accept the join yet/.test(outsider.output));
      expect((await first.statusNow()).nodes.map((node) => node.id).sort()).toEqual([
        'node1',
        'node2',
        'node3',
      ]);
      await outsider.kill();
    }
    await addPrinter(first, 'undisturbed');
  });

  test('refuses to start with an unreadable file, and names the file', async () => {
    const [, cert = '', , , , ca = ''] = tlsFlags('ours');
    const flags = ['-bootstrap', '-tls-cert', cert, '-tls-key', '/nowhere/key.pem', '-tls-ca', ca];
    const node = await stage().newNode({ flags });
    node.start();
    expect((await node.ended).code).toBe(1);
    expect(node.output).toContain('/nowhere/key.pem');
  });
});
