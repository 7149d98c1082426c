// Processor time, memory and disk use of processes, as the kernel counts them.

import fs from 'node:fs';

/** USER_HZ of Linux, on every architecture that Node.js supports. */
const TICKS_PER_SECOND = 100;

/** Returns the processor time of all threads, user and system, in microseconds. Its resolution is 10 ms. */
export function processorMicros(pid: number): number {
  return microsOf(`/proc/${pid}/stat`);
}

/** Returns the processor time of the thread that runs JavaScript, in microseconds. */
export function mainThreadMicros(pid: number): number {
  return microsOf(`/proc/${pid}/task/${pid}/stat`);
}

function microsOf(file: string): number {
  // The second field is the command in brackets, which may hold anything.
  const fields = fs.readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return ((userTicks + systemTicks) * 1e6) / TICKS_PER_SECOND;
}

/** Resident memory in bytes. */
export type Memory = {
  /** VmRSS: `anonymous` and `file` together. */
  readonly resident: number;
  /** RssAnon: the heap, stacks, buffers. */
  readonly anonymous: number;
  /** RssFile: pages of the program and of the mapped data file. The system can take them back. */
  readonly file: number;
  /** VmHWM: the highest VmRSS so far. */
  readonly peak: number;
};

export function memoryOf(pid: number): Memory {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return {
    resident: field('VmRSS'),
    anonymous: field('RssAnon'),
    file: field('RssFile'),
    peak: field('VmHWM'),
  };
}

/** Returns the ticks of all cores so far: busy ones, and all. */
export function coreTicks(): { readonly busy: number; readonly all: number } {
  const [, ...fields] = fs.readFileSync('/proc/stat', 'utf8').split('\n')[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    fields.map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, all: busy + idle + iowait };
}

/**
 * Returns the bytes that the files of a directory take up, without holes. Files may come and go meanwhile.
 */
export function diskBytes(directory: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = fs.statSync(`${entry.parentPath}/${entry.name}`, { throwIfNoEntry: false });
    bytes += (file?.blocks ?? 0) * 512;
  }
  return bytes;
}
