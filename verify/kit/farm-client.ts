// The farm's calls as tests need them, over any node.

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

/** Sends until it is acknowledged; a retry cannot be applied twice. */
export async function addPrinter(node: NodeProcess, id: string): Promise<void> {
  await waitFor(`printer ${id} is acknowledged by ${node.id}`, async () => {
    const answer = await postPrinter(node, id, { 'idempotency-key': `test-${id}` });
    if (answer.status === 201) return true;
    throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  });
}

/** Linearizable, unless `stale`. Throws for any other answer than a list. */
export async function printerIds(node: NodeProcess, options: { stale?: boolean } = {}): Promise<string[]> {
  const answer = await node.request(`/api/v1/printers${options.stale ? '?consistency=stale' : ''}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return (answer.body as { id: string }[]).map(({ id }) => id);
}

/** Waits until the node has these printers in its own state. */
export async function hasPrinters(node: NodeProcess, ids: readonly string[]): Promise<void> {
  await waitFor(`${node.id} has ${ids.length} printers in its own state`, async () => {
    const present = new Set(await printerIds(node, { stale: true }));
    const missing = ids.filter((id) => !present.has(id));
    if (missing.length > 0) throw new Error(`${missing.length} missing, ${missing[0]} first`);
    return true;
  });
}
