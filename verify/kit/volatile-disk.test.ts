import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TracedCall } from './system-call-trace.ts';
import { VolatileDisk } from './volatile-disk.ts';

const ROOT = '/stage';
let target: string;

beforeEach(() => {
  target = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-volatile-'));
});
afterEach(() => fs.rmSync(target, { recursive: true }));

function call(name: string, paths: readonly string[], more: Partial<TracedCall> = {}): TracedCall {
  const none = { descriptor: undefined, bytes: Buffer.alloc(0), rest: '', result: 0 };
  return { phase: 'end', thread: 1, name, paths: paths.map((one) => `${ROOT}${one}`), ...none, ...more };
}

/** Takes each call from its begin to its end. */
function run(disk: VolatileDisk, calls: readonly TracedCall[]): void {
  for (const one of calls) for (const phase of ['begin', 'end'] as const) disk.take({ ...one, phase });
}

function left(disk: VolatileDisk, isKept: boolean): Record<string, string> {
  const directory = path.join(target, `${isKept}`);
  disk.leave(directory, () => isKept);
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => fs.statSync(path.join(directory, name)).isFile());
  const found = Object.fromEntries(
    files.map((name) => [name, fs.readFileSync(path.join(directory, name), 'utf8')]),
  );
  fs.rmSync(directory, { recursive: true });
  return found;
}

const OPEN_ROOT = call('openat', [''], { result: 3, rest: ', O_RDONLY' });
const SYNC_ROOT = call('fsync', [''], { descriptor: 3 });
const CREATE = call('openat', ['/a'], { result: 4, rest: ', O_RDWR|O_CREAT' });
const write = (text: string, name = 'write', rest = ''): TracedCall =>
  call(name, ['/a'], { descriptor: 4, bytes: Buffer.from(text), rest, result: text.length });
const SYNC = call('fsync', ['/a'], { descriptor: 4 });

describe('a loss of power', () => {
  test('may keep every write, and may lose every write that was not flushed', () => {
    const disk = new VolatileDisk(ROOT);
    run(disk, [OPEN_ROOT, CREATE, SYNC_ROOT, write('ab'), write('cd')]);
    expect(left(disk, false)).toEqual({ a: '' });
    expect(left(disk, true)).toEqual({ a: 'abcd' });
  });

  test('keeps a flushed file if its directory was flushed too', () => {
    const disk = new VolatileDisk(ROOT);
    run(disk, [OPEN_ROOT, CREATE, write('ab'), SYNC]);
    expect(left(disk, false)).toEqual({});
    run(disk, [SYNC_ROOT, write('X', 'pwrite64', ', 1, 1')]);
    expect(left(disk, false)).toEqual({ a: 'ab' });
    expect(left(disk, true)).toEqual({ a: 'aX' });
  });

  test('may lose a write made during a flush', () => {
    const disk = new VolatileDisk(ROOT);
    run(disk, [OPEN_ROOT, CREATE, SYNC_ROOT, write('ab')]);
    disk.take({ ...SYNC, phase: 'begin' });
    run(disk, [{ ...write('cd'), thread: 2 }]);
    disk.take(SYNC);
    expect(left(disk, false)).toEqual({ a: 'ab' });
  });

  test('keeps a write through O_DSYNC', () => {
    const disk = new VolatileDisk(ROOT);
    run(disk, [OPEN_ROOT, { ...CREATE, rest: ', O_WRONLY|O_CREAT|O_DSYNC' }, SYNC_ROOT, write('ab')]);
    expect(left(disk, false)).toEqual({ a: 'ab' });
  });

  test('may undo a rename until the directory is flushed', () => {
    const disk = new VolatileDisk(ROOT);
    run(disk, [OPEN_ROOT, CREATE, write('ab'), SYNC, SYNC_ROOT, call('rename', ['/a', '/b'])]);
    expect(left(disk, false)).toEqual({ a: 'ab' });
    expect(left(disk, true)).toEqual({ b: 'ab' });
    run(disk, [SYNC_ROOT]);
    expect(left(disk, false)).toEqual({ b: 'ab' });
  });

  test('throws on a call that it does not support', () => {
    expect(() => run(new VolatileDisk(ROOT), [call('renameat2', ['/a', '/b'])])).toThrow(/renameat2/);
  });
});
