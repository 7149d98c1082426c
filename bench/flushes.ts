// How often a process waits for its disk, counted by strace: the load that is traced is slow, its counts are right.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';

const CALLS = 'fsync,fdatasync,msync,write,pwrite64,pwritev';
const FLUSH = /\b(?:fsync|fdatasync|msync)\(/g;
const WRITE = /\b(?:write|pwrite64|pwritev)\((\d+)/g;
/** O_DSYNC: each write to such a file waits for the disk. */
const SYNCHRONOUS = 0o10000;

/** While `load` runs, which resolves to the number of its writes. Undefined where strace may not be used. */
export async function flushesPerWrite(pid: number, load: () => Promise<number>): Promise<number | undefined> {
  if (spawnSync('sh', ['-c', 'command -v strace'], { stdio: 'ignore' }).status !== 0) return undefined;
  const tracer = spawn('strace', ['-f', '-s', '0', '-e', `trace=${CALLS}`, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let trace = '';
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
    trace += text;
  });
  const ended = new Promise((resolve) => tracer.once('close', resolve));
  const writes = await load();
  tracer.kill('SIGINT');
  await ended;
  if (!trace.includes('attached')) return undefined;
  const isSynchronous = synchronousFiles(pid);
  const synchronousWrites = [...trace.matchAll(WRITE)].filter(([, descriptor]) =>
    isSynchronous(Number(descriptor)),
  );
  return ((trace.match(FLUSH)?.length ?? 0) + synchronousWrites.length) / writes;
}

function synchronousFiles(pid: number): (descriptor: number) => boolean {
  const known = new Map<number, boolean>();
  return (descriptor) => {
    const found = known.get(descriptor) ?? isOpenedSynchronously(pid, descriptor);
    known.set(descriptor, found);
    return found;
  };
}

function isOpenedSynchronously(pid: number, descriptor: number): boolean {
  try {
    const information = fs.readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(information)?.[1] ?? '0', 8);
    return (flags & SYNCHRONOUS) !== 0;
  } catch {
    // Closed since: the files of the store stay open.
    return false;
  }
}
