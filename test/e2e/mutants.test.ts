import { expect, test } from 'vitest';
import { runCommand } from '../../verify/kit/run-command.ts';

/** Different ones every day, so that all are run within some weeks. */
const MUTANTS_PER_DAY = 2;
const TIMEOUT_MS = 290_000;

test(
  'npm run sim:mutants catches each of the mutants of the day',
  async () => {
    const options = ['--rotate', `${MUTANTS_PER_DAY}`, '--seconds', '5'];
    const command = ['npm', 'run', '--silent', 'sim:mutants', '--', ...options] as const;
    const { code, stdout, stderr } = await runCommand(command, { timeoutMs: TIMEOUT_MS });
    const told = `${stdout}\n${stderr}`;
    expect(told).toContain('none survives');
    expect(code, told).toBe(0);
  },
  TIMEOUT_MS + 10_000,
);

test('npm run sim:mutants refuses an unknown option', async () => {
  const { code, stderr } = await runCommand(['npm', 'run', '--silent', 'sim:mutants', '--', '--fast', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: npm run sim:mutants');
});
