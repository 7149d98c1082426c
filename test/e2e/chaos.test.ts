import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from '../support/run-command.ts';

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-chaos-test-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

test('npm run chaos: under faults of processes and links nothing is lost, doubled or stale', async () => {
  const history = path.join(directory, 'history.jsonl');
  const options = [
    '--minutes',
    '0.33',
    '--nodes',
    '3',
    '--seed',
    '4',
    '--network',
    'proxy',
    '--history',
    history,
  ];
  const { code, stdout, stderr } = await runCommand(['npm', 'run', '--silent', 'chaos', '--', ...options], {
    timeoutMs: 110_000,
  });
  const told = `${stdout}\n${stderr}`;
  expect(told).toContain('nothing violated');
  expect(code, told).toBe(0);
  for (const line of ['lost: 0', 'duplicated: 0', 'stale reads: 0'])
    expect(stdout.split('\n')).toContain(line);
  const lines = fs.readFileSync(history, 'utf8').trim().split('\n');
  const acknowledged = lines
    .map((line) => JSON.parse(line))
    .filter(({ result }) => result?.startsWith('created'));
  expect(acknowledged.length).toBeGreaterThan(0);
});

test('npm run chaos refuses an option that it does not know', async () => {
  const { code, stderr } = await runCommand(['npm', 'run', '--silent', 'chaos', '--', '--hours', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: npm run chaos');
});
