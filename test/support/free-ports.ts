// Ports for tests: below the range that the system hands out by itself, each given once in this process.

import net from 'node:net';

const FIRST_PORT = 12_000;
const LAST_PORT = 31_999;
/** Where this process begins to look: runs at the same time seldom meet, and a port that is taken is passed over. */
let next = FIRST_PORT + ((process.pid * 131) % (LAST_PORT - FIRST_PORT));

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** `count` ports in a row, all free just now. */
export async function freePorts(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < LAST_PORT - FIRST_PORT; attempt++) {
    if (next + count > LAST_PORT) next = FIRST_PORT;
    const ports = Array.from({ length: count }, (_, at) => next + at);
    next += count;
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`no ${count} free ports in a row between ${FIRST_PORT} and ${LAST_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
