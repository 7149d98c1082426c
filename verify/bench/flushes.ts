// Counts how often a process waits for its disk, by strace. Tracing slows the load down; the counts stay
// right.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';

const CALLS = 'fsync,fdatasync,msync,write,pwrite64,pwritev,pwritev2';
const FLUSH = /\b(?:fsync|fdatasync|msync)\(/;
const WRITE = /\b(?:write|pwrite64|pwritev|pwritev2)\((\d+)/;
/** O_DSYNC: each write to such a file waits for the disk. */
const SYNCHRONOUS = 0o10000;

/**
 * Counts while `load` runs, which resolves to the number of its writes. Returns undefined where strace cannot
 * be used.
 */
export async function flushesPerWrite(pid: number, load: () => Promise<number>): Promise<number | undefined> {
  if (spawnSync('sh', ['-c', 'command -v strace'], { stdio: 'ignore' }).status !== 0) return undefined;
  const tracer = spawn('strace', ['-f', '-s', '0', '-e', `trace=${CALLS}`, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const isSynchronous = synchronousFiles(pid);
  let isAttached = false;
  let flushes = 0;
  // Lines are read as they come: later a descriptor may stand for another file.
  readline.createInterface({ input: tracer.stderr }).on('line', (line) => {
    isAttached ||= line.includes('attached');
    const descriptor = WRITE.exec(line)?.[1];
    if (FLUSH.test(line) || (descriptor !== undefined && isSynchronous(Number(descriptor)))) flushes += 1;
  });
  const ended = new Promise((resolve) => tracer.once('close', resolve));
  const writes = await load();
  tracer.kill('SIGINT');
  await ended;
  return isAttached ? flushes / writes : undefined;
}

/** Uses of a descriptor after which its file is looked up again: files are closed and opened. */
const LOOK_AGAIN_AFTER_USES = 100;

function synchronousFiles(pid: number): (descriptor: number) => boolean {
  const known = new Map<number, { isSynchronous: boolean; uses: number }>();
  return (descriptor) => {
    const seen = known.get(descriptor);
    if (seen !== undefined && seen.uses < LOOK_AGAIN_AFTER_USES) {
      seen.uses += 1;
      return seen.isSynchronous;
    }
    const isSynchronous = isOpenedSynchronously(pid, descriptor);
    known.set(descriptor, { isSynchronous, uses: 1 });
    return isSynchronous;
  };
}

function isOpenedSynchronously(pid: number, descriptor: number): boolean {
  try {
    const information = fs.readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(information)?.[1] ?? '0', 8);
    return (flags & SYNCHRONOUS) !== 0;
  } catch {
    // The file was closed. A file of the store stays open, or is looked up at its next use.
    return false;
  }
}
