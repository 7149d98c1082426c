// A short run of the benchmark: it must print figures, whatever their values.

import { expect, test } from 'vitest';
import { runCommand } from '../../verify/kit/run-command.ts';

const TIMEOUT_MS = 110_000;

test('npm run bench prints tables with figures for each part', async () => {
  const parts = ['--only', 'writes,reads,forwarded,stages'];
  const { code, stdout, stderr } = await runCommand(
    ['npm', 'run', '--silent', 'bench', '--', ...parts, '--seconds', '1'],
    { timeoutMs: TIMEOUT_MS },
  );
  expect(stderr).not.toContain('Error');
  expect(code).toBe(0);
  const ours = stdout
    .split('\n')
    .filter((line) => /^\| (?:raft3d, \d+|to the leader|one printer)/.test(line));
  expect(ours.length).toBeGreaterThanOrEqual(6);
  for (const line of ours) {
    const [rate = ''] = line
      .split('|')
      .slice(2)
      .map((cell) => cell.trim());
    expect(Number(rate.replaceAll(',', ''))).toBeGreaterThan(0);
  }
  expect(stdout).toMatch(/^\| apply \| [1-9]/m);
  expect(stdout).toMatch(/the leader's processor time for a forwarded write.*: (?:NOT )?reached/);
});

test('npm run bench refuses an unknown option', async () => {
  const { code, stderr } = await runCommand(['npm', 'run', '--silent', 'bench', '--', '--fast']);
  expect(code).toBe(2);
  expect(stderr).toContain("Unknown option '--fast'");
});
