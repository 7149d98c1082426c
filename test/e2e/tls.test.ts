import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { addPrinter, printerIds } from '../../verify/kit/farm-client.ts';
import type { NodeProcess } from '../../verify/kit/node-process.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';
import { makeTlsMaterial } from '../contracts/transport-certificates.ts';

const stage = useStage();

/** Flags for a node with a certificate of a new authority, that all who are given these flags share. */
function tlsFlags(name: string): string[] {
  const { key, certificate, authority } = makeTlsMaterial();
  const files = { 'tls-cert': certificate, 'tls-key': key, 'tls-ca': authority };
  return Object.entries(files).flatMap(([flag, content]) => {
    const file = path.join(stage().directory, `${name}-${flag}.pem`);
    fs.writeFileSync(file, content);
    return [`-${flag}`, file];
  });
}

describe('TLS between the nodes', () => {
  test('a cluster whose nodes share an authority works; a node without, or of another authority, stays out', async () => {
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
      await waitFor('its join is refused', () => /refused|not yet/.test(outsider.output));
      expect((await first.status())?.nodes.map((node) => node.id).sort()).toEqual([
        'node1',
        'node2',
        'node3',
      ]);
      await outsider.kill();
    }
    await addPrinter(first, 'undisturbed');
  });

  test('a file that cannot be read is named, and the start refused', async () => {
    const [, cert = '', , , , ca = ''] = tlsFlags('ours');
    const flags = ['-bootstrap', '-tls-cert', cert, '-tls-key', '/nowhere/key.pem', '-tls-ca', ca];
    const node = await stage().newNode({ flags });
    node.start();
    expect((await node.ended).code).toBe(1);
    expect(node.output).toContain('/nowhere/key.pem');
  });
});
