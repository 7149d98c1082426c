// Filtered pages of print jobs.

import { type LoadResult, runLoad } from '../load.ts';
import type { Raft3dNode } from '../raft3d-cluster.ts';

const FILTERS = {
  status: 'status=Queued',
  printer: 'printer_id=printer-0123',
  filament: 'filament_id=spool-00861',
  'printer and status': 'printer_id=printer-0123&status=Queued',
} as const;
export const PAGE_ROWS = 50;

/** One page after the other, linearizable, from somewhere among the jobs; by what they are filtered. */
export async function filteredPages(
  { url }: Raft3dNode,
  { seconds, belowJob }: { seconds: number; belowJob: number },
): Promise<Map<string, LoadResult>> {
  const found = new Map<string, LoadResult>();
  for (const [name, filter] of Object.entries(FILTERS)) {
    const path = `/api/v1/print_jobs?limit=${PAGE_ROWS}&${filter}`;
    found.set(name, await runLoad({ url, kind: 'page', connections: 1, seconds, path, job: belowJob }));
  }
  return found;
}

/** That of the slowest filter. */
export function slowest(pages: ReadonlyMap<string, LoadResult>, percentile: 'p50' | 'p99'): number {
  return Math.max(...[...pages.values()].map((found) => found[percentile]));
}
