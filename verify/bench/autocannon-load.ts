// Load by autocannon, for machines without wrk. It runs on Node.js and takes more processor time from the
// nodes.

import autocannon from 'autocannon';
import { jobBody, jobId } from './large/print-jobs.ts';
import type { Load, LoadResult } from './load-types.ts';

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

export async function runAutocannon(load: Load, run: string): Promise<LoadResult> {
  let count = 0;
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.seconds,
    timeout: 10,
    ...(load.pauseMs !== undefined && { connectionRate: 1_000 / load.pauseMs }),
    headers: { 'content-type': 'application/json', ...load.headers },
    requests: [
      {
        setupRequest: (request) => {
          count += 1;
          return { ...request, ...requestOf(load, run, count) };
        },
      },
    ],
  });
  const { requests, latency, non2xx, errors, timeouts, duration } = result;
  const failed = non2xx - (result['3xx'] ?? 0) + errors + timeouts;
  return {
    requests: requests.total,
    errors: failed,
    perSecond: (requests.total - failed) / duration,
    p50: latency.p50,
    p99: latency.p99,
    p999: latency.p99_9,
    max: latency.max,
  };
}

/** Returns the request that `load.lua` sends too. */
function requestOf({ kind, path = '', job = 1 }: Load, run: string, count: number): Request {
  const id = `${run}${String(count).padStart(7, '0')}`;
  const post = (path: string, body: object): Request => ({
    method: 'POST',
    path,
    body: JSON.stringify(body),
  });
  switch (kind) {
    case 'printer':
      return post('/api/v1/printers', { id, company: 'Prusa Research', model: 'MK4S, nozzle 0.4 mm' });
    case 'job':
      return post('/api/v1/print_jobs', jobBody(job + count - 1));
    case 'status':
      return { method: 'POST', path: `/api/v1/print_jobs/${jobId(job + count - 1)}/status?status=Running` };
    case 'padded': {
      const missing = Math.max(1, Number(path) - 110);
      const padding = missing <= 4_000 ? 'x'.repeat(missing) : '\u{1F5A8}'.repeat(missing / 4);
      return post('/api/v1/print_jobs', {
        id,
        printer_id: 'printer',
        filament_id: 'spool',
        filepath: `/${padding}`,
        print_weight_in_grams: 0.001,
      });
    }
    case 'page':
      return { method: 'GET', path: `${path}&after=${jobId((count * 7_919) % job)}` };
    case 'get':
      return { method: 'GET', path };
    case 'etcd-put':
      return post('/v3/kv/put', { key: id, value: 'QUJD'.repeat(27) });
    case 'etcd-range':
      return post('/v3/kv/range', { key: path });
    default:
      return kind satisfies never;
  }
}
