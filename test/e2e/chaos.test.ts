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

/** Runs it to its end; gives what it wrote. Fails when anything was violated. */
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

/** Beyond the faults: the build, start, recovery, audit, and the fault that is under way when the time is over. */
const MARGIN_MS = 240_000;

test(
  'npm run chaos: whatever fails, nothing is lost, doubled or stale',
  async () => {
    // The plan of this seed has all subjects of faults. Namespaces as root, proxies for anybody else.
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
  'npm run chaos: so it is with five nodes and proxies between them, and the history is kept',
  async () => {
    const history = path.join(directory, 'history.jsonl');
    const options = ['--nodes', '5', '--seed', '4', '--network', 'proxy', '--history', history];
    await run(['--minutes', '0.5', ...options], 30_000 + MARGIN_MS);
    const lines = fs.readFileSync(history, 'utf8').trim().split('\n');
    const acknowledged = lines
      .map((line) => JSON.parse(line))
      .filter(({ result }) => result?.startsWith('created'));
    expect(acknowledged.length).toBeGreaterThan(0);
  },
  30_000 + MARGIN_MS,
);

test('npm run chaos refuses an option that it does not know', async () => {
  const { code, stderr } = await runCommand(['npm', 'run', '--silent', 'chaos', '--', '--hours', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: npm run chaos');
});
