import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RotatingFile, type RotatingFileOptions } from './rotating-file.ts';

let directory: string;
let troubles: Error[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-log-'));
  troubles = [];
});

afterEach(() => fs.rmSync(directory, { recursive: true }));

function open(file: string, options: Partial<RotatingFileOptions> = {}): RotatingFile {
  return new RotatingFile(file, {
    maxBytes: 1_000_000,
    keptFiles: 2,
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
}

const read = (file: string): string => fs.readFileSync(file, 'utf8');

describe('the log file', () => {
  test('creates its directory and appends to an existing file', async () => {
    const name = path.join(directory, 'a', 'b', 'node1.log');
    for (const line of ['one\n', 'two\n']) {
      const file = open(name);
      file.write(line);
      await file.close();
    }
    expect(read(name)).toBe('one\ntwo\n');
  });

  test('keeps the order of lines that arrive during a write', async () => {
    const name = path.join(directory, 'node1.log');
    const file = open(name);
    const lines = Array.from({ length: 500 }, (_, at) => `line ${at}\n`);
    for (const [at, line] of lines.entries()) {
      file.write(line);
      if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await file.close();
    expect(read(name)).toBe(lines.join(''));
    expect(file.droppedLines).toBe(0);
  });

  test('keeps characters of several bytes', async () => {
    const name = path.join(directory, 'node1.log');
    const file = open(name, { maxBytes: 10_000_000 });
    const lines = Array.from({ length: 2_000 }, (_, at) => `${at} ${'ä€🖨'.repeat(1 + (at % 40))}\n`);
    for (const line of lines) file.write(line);
    await file.close();
    expect(read(name)).toBe(lines.join(''));
    expect(file.droppedLines).toBe(0);
  });

  test('flushSync writes all waiting lines once', () => {
    const name = path.join(directory, 'node1.log');
    const file = open(name);
    file.write('last words\n');
    file.flushSync();
    expect(read(name)).toBe('last words\n');
    file.flushSync();
    expect(read(name)).toBe('last words\n');
  });

  test('is rotated before it grows past its bound, and the oldest file is deleted', () => {
    const name = path.join(directory, 'node1.log');
    const file = open(name, { maxBytes: 10 });
    for (const line of ['first 1\n', 'second\n', 'third 3\n', 'fourth\n']) {
      file.write(line);
      file.flushSync();
    }
    expect(fs.readdirSync(directory).sort()).toEqual(['node1.log', 'node1.log.1', 'node1.log.2']);
    expect(read(name)).toBe('fourth\n');
    expect(read(`${name}.1`)).toBe('third 3\n');
    expect(read(`${name}.2`)).toBe('second\n');
  });

  test('counts the bytes that an earlier process wrote', () => {
    const name = path.join(directory, 'node1.log');
    fs.writeFileSync(name, 'nine byte');
    const file = open(name, { maxBytes: 10 });
    file.write('new\n');
    file.flushSync();
    expect(read(name)).toBe('new\n');
    expect(read(`${name}.1`)).toBe('nine byte');
  });

  test('a line longer than the bound gets a file of its own', () => {
    const name = path.join(directory, 'node1.log');
    const file = open(name, { maxBytes: 10 });
    for (const line of ['a\n', 'much longer than ten\n', 'b\n']) {
      file.write(line);
      file.flushSync();
    }
    expect(read(name)).toBe('b\n');
    expect(read(`${name}.1`)).toBe('much longer than ten\n');
    expect(read(`${name}.2`)).toBe('a\n');
  });

  test('a full disk drops lines and is reported once', async () => {
    const file = open('/dev/full');
    for (let at = 0; at < 3; at++) {
      file.write(`${at}\n`);
      file.flushSync();
    }
    file.write('4\n');
    await file.close();
    expect(file.droppedLines).toBe(4);
    expect(troubles.map((error) => error.message)).toEqual([expect.stringContaining('ENOSPC')]);
  });

  test('lines beyond the bound of waiting bytes are dropped and counted', () => {
    const file = open(path.join(directory, 'node1.log'));
    const megabyte = `${'x'.repeat(1024 * 1024 - 1)}\n`;
    for (let at = 0; at < 10; at++) file.write(megabyte);
    expect(file.droppedLines).toBe(5);
  });

  test('lines that come while the file is closed are kept', async () => {
    const name = path.join(directory, 'node1.log');
    const file = open(name);
    file.write('one\n');
    const closed = file.close();
    file.write('two\n');
    await closed;
    expect([read(name), file.droppedLines]).toEqual(['one\ntwo\n', 0]);
  });

  test('lines after close are dropped, and a second close is harmless', async () => {
    const file = open(path.join(directory, 'node1.log'));
    await file.close();
    file.write('late\n');
    file.flushSync();
    await file.close();
    expect(file.droppedLines).toBe(1);
  });
});
