// Calls of the farm's API for tests, through any node.

import { Client } from '../../src/client/client.ts';
import type { ApiAnswer } from './api-request.ts';
import type { NodeProcess } from './node-process.ts';
import { waitFor } from './wait-for.ts';

export function postPrinter(
  node: NodeProcess,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ApiAnswer> {
  return node.request('/api/v1/printers', { body: { id, company: 'Prusa', model: 'MK3S+' }, headers });
}

/** A client of these nodes, which asks the first one first. */
export function clientOf(...nodes: readonly NodeProcess[]): Client {
  return new Client({ nodes: nodes.map(({ httpAddress }) => `http://${httpAddress}`) });
}

/** Adds a printer through this node. Retries until the write is acknowledged; it is applied once. */
export async function addPrinter(node: NodeProcess, id: string): Promise<void> {
  const body = { id, company: 'Prusa', model: 'MK3S+' };
  await clientOf(node).call('createPrinter', { body }, { idempotencyKey: `test-${id}` });
}

/** The ids of all printers, by a linearizable read unless `stale`. Retries while the node has no leader. */
export async function printerIds(node: NodeProcess, { stale = false } = {}): Promise<string[]> {
  const query = stale ? ({ consistency: 'stale' } as const) : {};
  return (await clientOf(node).call('listPrinters', { query })).map(({ id }) => id);
}

/** Waits until the node's own state has these printers. */
export async function hasPrinters(node: NodeProcess, ids: readonly string[]): Promise<void> {
  await waitFor(`${node.id} has ${ids.length} printers in its own state`, async () => {
    const present = new Set(await printerIds(node, { stale: true }));
    const missing = ids.filter((id) => !present.has(id));
    if (missing.length > 0) throw new Error(`${missing.length} missing, ${missing[0]} first`);
    return true;
  });
}
