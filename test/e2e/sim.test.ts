// The simulator from the command line: seeds that every test run shares, and seeds that are new in each.

import { expect, test } from 'vitest';
import { runCommand } from '../../verify/kit/run-command.ts';

const TIMEOUT_MS = 115_000;

async function simulate(options: readonly string[]): Promise<string> {
  const command = ['npm', 'run', '--silent', 'sim', '--', ...options] as const;
  const { code, stdout, stderr } = await runCommand(command, { timeoutMs: TIMEOUT_MS });
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  console.log(stdout);
  return stdout;
}

test('npm run sim finds no violation on the fixed seeds', async () => {
  expect(await simulate(['--seeds', '1-40'])).toContain('40 (0 failed)');
});

test('npm run sim finds no violation in a minute of fresh seeds', async () => {
  const told = await simulate(['--minutes', '1']);
  expect(told).toMatch(/^seeds +[1-9]\d* \(0 failed\)$/m);
  expect(told).toMatch(/^faults +[1-9]\d+$/m);
});

test('npm run sim refuses an unknown option', async () => {
  const { code, stderr } = await runCommand(['npm', 'run', '--silent', 'sim', '--', '--hours', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: npm run sim');
});
