// What processes cost, as the kernel counts it.

import fs from 'node:fs';

/** USER_HZ of Linux, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Microseconds of processor time that the process has used, all threads, user and system. Its resolution is 10 ms. */
export function processorMicros(pid: number): number {
  // The second field is the command in brackets, which may hold anything.
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return ((userTicks + systemTicks) * 1e6) / TICKS_PER_SECOND;
}

/** Bytes of memory that the process holds: all, and what is not a page of some file. */
export function residentBytes(pid: number): { now: number; anonymous: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { now: field('VmRSS'), anonymous: field('RssAnon') };
}

/** Bytes that the files of a directory take up, holes not counted. */
export function diskBytes(directory: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += fs.statSync(`${entry.parentPath}/${entry.name}`).blocks * 512;
  }
  return bytes;
}
