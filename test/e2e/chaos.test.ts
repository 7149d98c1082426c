import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from '../../verify/kit/run-command.ts';

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-chaos-test-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** Runs `npm run chaos` to its end and returns its output. Fails on a violation. */
async function run(options: readonly string[], timeoutMs: number): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['npm', 'run', '--silent', 'chaos', '--', ...options], {
    timeoutMs,
  });
  const told = `${stdout}\n${stderr}`;
  expect(told).toContain('nothing violated');
  expect(code, told).toBe(0);
  for (const line of ['lost: 0', 'duplicated: 0', 'stale reads: 0'])
    expect(stdout.split('\n')).toContain(line);
  return stdout;
}

/** Time beyond the faults: build, start, recovery, audit, and the end of the last fault. */
const MARGIN_MS = 240_000;

test(
  'npm run chaos loses and doubles no write and serves no stale read under faults',
  async () => {
    // The plan of this seed has faults of every subject. Root gets namespaces, other users get proxies.
    const told = await run(['--minutes', '2.5', '--nodes', '3', '--seed', '5'], 150_000 + MARGIN_MS);
    expect(told).toMatch(/^removals: [1-9]/m);
    expect(told).toMatch(/^joins: [1-9]/m);
    expect(told).toMatch(/^damaged files refused: \d+, harmless: \d+$/m);
    expect(told).toMatch(/^on bad links: [1-9]/m);
    const hasSmallDisks = told.includes('a disk of');
    expect(told).toMatch(hasSmallDisks ? /^attempts refused for a full disk: [1-9]/m : /no full disks/);
  },
  150_000 + MARGIN_MS,
);

test(
  'npm run chaos does the same with five nodes behind proxies, and keeps the history',
  async () => {
    const history = path.join(directory, 'history.jsonl');
    const options = ['--nodes', '5', '--seed', '4', '--network', 'proxy', '--history', history];
    await run(['--minutes', '0.5', ...options], 30_000 + MARGIN_MS);
    const lines = fs.readFileSync(history, 'utf8').trim().split('\n');
    const acknowledged = lines
      .map((line) => JSON.parse(line))
      .filter(({ outcome, result }) => outcome === 'answered' && result.startsWith('created'));
    expect(acknowledged.length).toBeGreaterThan(0);
  },
  30_000 + MARGIN_MS,
);

test('npm run chaos refuses an unknown option', async () => {
  const { code, stderr } = await runCommand(['npm', 'run', '--silent', 'chaos', '--', '--hours', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: npm run chaos');
});
