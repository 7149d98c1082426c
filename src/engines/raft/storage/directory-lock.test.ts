import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockDirectory } from './directory-lock.ts';

/** A program that takes the lock, prints 'held' or the code of the error, and runs until it is killed. */
const OWNER = `
  import { lockDirectory } from '${join(import.meta.dirname, 'directory-lock.ts')}';
  try {
    lockDirectory(process.argv[1]);
    console.log('held');
  } catch (error) {
    console.log(error.code);
  }
  setInterval(() => undefined, 60_000);
`;

describe('the lock of a data directory', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'raft3d-lock-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  async function startOwner(path: string): Promise<{ child: ChildProcess; output: string }> {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', OWNER, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, output: text.toString().trim() };
  }

  test('is held by one process, and another is refused with the pid of the owner', async () => {
    const { child, output } = await startOwner(directory);
    expect(output).toBe('held');
    expect(() => lockDirectory(directory)).toThrow(
      expect.objectContaining({ code: 'data_directory_in_use', fields: { directory, pid: child.pid } }),
    );
  });

  test('is free as soon as its owner is killed', async () => {
    const { child } = await startOwner(directory);
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockDirectory(directory).release();
  });

  test('is free after a release, also for the same process', () => {
    const lock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(
      expect.objectContaining({ code: 'data_directory_in_use', fields: { directory, pid: process.pid } }),
    );
    lock.release();
    lockDirectory(directory).release();
  });

  test('goes to exactly one of several processes that start at once', async () => {
    const owners = await Promise.all([1, 2, 3, 4].map(() => startOwner(directory)));
    expect(owners.map(({ output }) => output).sort()).toEqual([
      'data_directory_in_use',
      'data_directory_in_use',
      'data_directory_in_use',
      'held',
    ]);
  });

  test('takes a directory whose path is longer than that of a socket may be', () => {
    const long = join(directory, 'x'.repeat(200));
    mkdirSync(long);
    lockDirectory(long).release();
  });

  test('fails with data_directory_unusable for a missing directory', () => {
    expect(() => lockDirectory(join(directory, 'nowhere'))).toThrow(
      expect.objectContaining({ code: 'data_directory_unusable' }),
    );
  });
});
