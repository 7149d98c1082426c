import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeDirectory } from './make-directory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'raft3d-make-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('the topmost directory that was made is returned, and undefined when all exist', () => {
  const directory = join(root, 'a/b/c');
  expect(makeDirectory(directory)).toBe(join(root, 'a'));
  expect(statSync(directory).isDirectory()).toBe(true);
  expect(makeDirectory(directory)).toBeUndefined();
  expect(makeDirectory(join(directory, 'd'))).toBe(join(directory, 'd'));
});

test('a file, or a link to nothing, in the way is an error', () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  expect(() => makeDirectory(file)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  expect(() => makeDirectory(join(file, 'below'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  const link = join(root, 'link');
  symlinkSync(join(root, 'nowhere'), link);
  expect(() => makeDirectory(join(link, 'below'))).toThrow();
});

test('a link to a directory counts as a directory', () => {
  mkdirSync(join(root, 'real'));
  symlinkSync(join(root, 'real'), join(root, 'link'));
  makeDirectory(join(root, 'link/below'));
  expect(statSync(join(root, 'real/below')).isDirectory()).toBe(true);
});

test('a parent that takes no entries is an error and not an endless loop', () => {
  // A process of its own can be ended if it loops.
  const module = fileURLToPath(new URL('./make-directory.ts', import.meta.url));
  const program = `import { makeDirectory } from ${JSON.stringify(module)};
    try { makeDirectory('/proc/nowhere/below'); } catch (error) { console.log(error.code); }`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(output.trim()).toBe('ENOENT');
});
