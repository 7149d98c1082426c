import { expect, test } from 'vitest';
import { runCommand } from '../../verify/kit/run-command.ts';

const FUZZ = ['npm', 'run', '--silent', 'fuzz', '--'] as const;

test.each([
  ['http', '3000'],
  ['transport', '8000'],
  ['disk', '1500'],
  ['flags', '1000'],
])('npm run fuzz finds no harm by bad input to %s', async (target, cases) => {
  const { code, stdout, stderr } = await runCommand([...FUZZ, '--only', target, '--cases', cases], {
    timeoutMs: 110_000,
  });
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  expect(stdout).toContain('nothing found');
  const [, counted = ''] = new RegExp(`^${target}: ([\\d,]+) cases`, 'm').exec(stdout) ?? [];
  expect(Number(counted.replaceAll(',', ''))).toBeGreaterThanOrEqual(Number(cases) / 2);
});

test('npm run fuzz refuses an unknown option', async () => {
  const { code, stderr } = await runCommand([...FUZZ, '--hours', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: npm run fuzz');
});
