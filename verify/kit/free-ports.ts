// Ports for tests: below the range that the system hands out by itself, each given once in this process.

import net from 'node:net';

const FIRST_PORT = 12_000;
const PORTS_PER_WORKER = 2_000;
const WORKERS = 10;
/** Test files that run at the same time have ranges of their own: a port may be free only while its node is down. */
const start = FIRST_PORT + (Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS) * PORTS_PER_WORKER;
const end = start + PORTS_PER_WORKER;
/** Two runs at the same time seldom meet: they begin at different places, and pass over what is taken. */
let next = start + ((process.pid * 131) % PORTS_PER_WORKER);

/** `count` ports in a row, all free just now. */
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
