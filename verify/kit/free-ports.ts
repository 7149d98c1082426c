// Free ports for tests: below the system's ephemeral range, and each used once in this process.

import net from 'node:net';

const FIRST_PORT = 12_000;
const PORTS_PER_WORKER = 2_000;
const WORKERS = 10;
/** Concurrent test files use separate ranges, because a port may be free only while its node is down. */
const start = FIRST_PORT + (Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS) * PORTS_PER_WORKER;
const end = start + PORTS_PER_WORKER;
/** Concurrent runs seldom collide: they start at different ports and skip ports in use. */
let next = start + ((process.pid * 131) % PORTS_PER_WORKER);

/** Returns `count` consecutive ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < PORTS_PER_WORKER; attempt++) {
    if (next + count > end) next = start;
    const ports = Array.from({ length: count }, (_, at) => next + at);
    next += count;
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`no ${count} free ports in a row between ${start} and ${end}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
