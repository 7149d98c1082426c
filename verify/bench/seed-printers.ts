// The printers that reads are measured on.

import type { BenchCluster, BenchNode } from './cluster.ts';

export const LISTED_PRINTERS = 1_000;
export const READ_PRINTER = 'printer-0500';
const SEEDING_AT_ONCE = 50;
const WRITE_TIMEOUT_MS = 10_000;

export async function seedPrinters(cluster: BenchCluster, node: BenchNode): Promise<void> {
  const keys = Array.from({ length: LISTED_PRINTERS }, (_, at) => `printer-${String(at).padStart(4, '0')}`);
  for (let at = 0; at < keys.length; at += SEEDING_AT_ONCE) {
    const slice = keys.slice(at, at + SEEDING_AT_ONCE);
    const written = await Promise.all(
      slice.map((key) => cluster.write(node, key, { timeoutMs: WRITE_TIMEOUT_MS })),
    );
    if (!written.every(Boolean)) throw new Error('the printers to be listed could not be written');
  }
}
