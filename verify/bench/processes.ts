// What processes cost, as the kernel counts it.

import fs from 'node:fs';

/** USER_HZ of Linux, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Microseconds of processor time that the process has used, all threads, user and system. Its resolution is 10 ms. */
export function processorMicros(pid: number): number {
  return microsOf(`/proc/${pid}/stat`);
}

/** The same of the thread that runs JavaScript. */
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
  /** VmRSS: all that follows but the peak. */
  readonly resident: number;
  /** RssAnon: the heap, stacks, buffers. */
  readonly anonymous: number;
  /** RssFile: pages of the program and of the mapped data file, which the system takes back when it needs them. */
  readonly file: number;
  /** VmHWM: the most that it ever was. */
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

/** Ticks that all cores have spent so far: on work, and altogether. */
export function coreTicks(): { readonly busy: number; readonly all: number } {
  const [, ...fields] = fs.readFileSync('/proc/stat', 'utf8').split('\n')[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    fields.map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, all: busy + idle + iowait };
}

/** Bytes that all files of a directory take up, holes not counted. Files may come and go meanwhile. */
export function diskBytes(directory: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = fs.statSync(`${entry.parentPath}/${entry.name}`, { throwIfNoEntry: false });
    bytes += (file?.blocks ?? 0) * 512;
  }
  return bytes;
}
