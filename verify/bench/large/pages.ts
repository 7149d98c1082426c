// Loads that read filtered pages of print jobs.

import type { Contender } from '../context.ts';
import { runLoad } from '../load.ts';
import type { LoadResult } from '../load-types.ts';
import type { Raft3dNode } from '../raft3d-cluster.ts';

const FILTERS = {
  status: 'status=Queued',
  printer: 'printer_id=printer-0123',
  filament: 'filament_id=spool-00861',
  'printer and status': 'printer_id=printer-0123&status=Queued',
} as const;
export const PAGE_ROWS = 50;

interface PageLoad {
  readonly seconds: number;
  readonly belowJob: number;
}

/** Returns a load for each filter: linearizable pages, one after the other, from anywhere among the jobs. */
export function pageLoads({ url }: Raft3dNode, { seconds, belowJob }: PageLoad): Contender<LoadResult>[] {
  return Object.entries(FILTERS).map(([name, filter]) => ({
    name,
    measure: () => {
      const path = `/api/v1/print_jobs?limit=${PAGE_ROWS}&${filter}`;
      return runLoad({ url, kind: 'page', connections: 1, seconds, path, job: belowJob });
    },
  }));
}

/** Runs the load of each filter once. */
export async function filteredPages(node: Raft3dNode, load: PageLoad): Promise<Map<string, LoadResult>> {
  const found = new Map<string, LoadResult>();
  for (const { name, measure } of pageLoads(node, load)) found.set(name, await measure());
  return found;
}

/** Returns the latency of the slowest filter. */
export function slowest(pages: ReadonlyMap<string, LoadResult>, percentile: 'p50' | 'p99'): number {
  return Math.max(...[...pages.values()].map((found) => found[percentile]));
}
