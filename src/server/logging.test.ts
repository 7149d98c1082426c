import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CodedError } from '../shared/coded-error.ts';
import { type Logging, type LoggingOptions, startLogging } from './logging.ts';

let directory: string;
let shown: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-logging-'));
  shown = '';
});

afterEach(() => fs.rmSync(directory, { recursive: true }));

function start(options: Partial<LoggingOptions> = {}): Logging {
  return startLogging({
    node: 'node1',
    logFile: path.join(directory, 'logs', 'node1.log'),
    consoleLevel: 'info',
    fileLevel: 'debug',
    console: { write: (text) => (shown += text) },
    ...options,
  });
}

async function lines(logging: Logging): Promise<Record<string, unknown>[]> {
  await logging.close();
  const text = fs.readFileSync(path.join(directory, 'logs', 'node1.log'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('logging', () => {
  test('the file has one JSON object a line, with level name, ISO time, node, fields and message', async () => {
    const logging = start();
    logging.logger.warn('peer is silent', { peer: 'node2', silentMs: 1200 });
    expect(await lines(logging)).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        node: 'node1',
        peer: 'node2',
        silentMs: 1200,
        msg: 'peer is silent',
      },
    ]);
    expect(shown).toMatch(/\[node1\] WARN {2}peer is silent peer=node2 silentMs=1200\n$/);
  });

  test('console and file have a level each', async () => {
    const logging = start({ consoleLevel: 'debug', fileLevel: 'warn' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logging.logger[level](`a ${level}`);
    expect((await lines(logging)).map((line) => line.msg)).toEqual(['a warn', 'a error']);
    expect(shown.match(/a \w+/g)).toEqual(['a debug', 'a info', 'a warn', 'a error']);
  });

  test('an error is written with its message, code and stack', async () => {
    const logging = start();
    logging.logger.error('stopping', { error: new CodedError('disk_full', 'no room') });
    expect((await lines(logging))[0]).toMatchObject({
      error: { message: 'no room', code: 'disk_full', stack: expect.stringContaining('logging.test.ts') },
    });
  });

  test('a field whose name every line has is renamed', async () => {
    const logging = start();
    logging.logger.info('joined', { node: 'node2', level: 1, msg: 'x', term: 2 });
    expect((await lines(logging))[0]).toMatchObject({
      node: 'node1',
      node_: 'node2',
      level: 'info',
      level_: 1,
      msg: 'joined',
      msg_: 'x',
      term: 2,
    });
  });

  test('the error about an unusable log directory names the file and what to do', () => {
    fs.writeFileSync(path.join(directory, 'logs'), 'a file stands where the directory should be');
    expect(() => start()).toThrow(
      expect.objectContaining({
        code: 'log_directory_unusable',
        message: expect.stringContaining('choose another with -logs'),
        fields: { file: path.join(directory, 'logs', 'node1.log') },
      }),
    );
  });

  test('a log file on a full disk is reported on the console, and logging goes on', async () => {
    const logging = start({ logFile: '/dev/full' });
    logging.logger.info('hello');
    await logging.close();
    expect(shown).toContain('hello');
    expect(shown).toContain('the log file cannot be written');
    expect(shown).toContain('ENOSPC');
  });

  test('a console without a reader does not stop the node', async () => {
    let fail: (error: Error) => void = () => {};
    const logging = start({
      console: { write: (text) => (shown += text), on: (_, listener) => (fail = listener) },
    });
    fail(new Error('EPIPE'));
    logging.logger.info('hello');
    expect(shown).toBe('');
    await logging.close();
  });

  test('lines that are logged just before the process exits are in the file', () => {
    const logFile = path.join(directory, 'node1.log');
    const script = `
      import { startLogging } from '${path.join(import.meta.dirname, 'logging.ts')}';
      const logging = startLogging({ node: 'n', logFile: '${logFile}', consoleLevel: 'error', fileLevel: 'debug' });
      logging.logger.error('last words');
      process.exit(3);`;
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
    });
    expect(status).toBe(3);
    expect(fs.readFileSync(logFile, 'utf8')).toContain('last words');
  });
});
