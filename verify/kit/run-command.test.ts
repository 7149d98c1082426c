import { expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

test('a command that does not end is killed with its children, and its output is kept', async () => {
  const program = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    child.once('spawn', () => console.log('started'));
    setInterval(() => {}, 1000);`;
  const started = performance.now();

  const { code, stdout } = await runCommand([process.execPath, '-e', program], { timeoutMs: 1_000 });

  expect(code).toBeNull();
  expect(performance.now() - started).toBeLessThan(10_000);
  // The child writes into the same pipe: the result waits for both.
  expect(stdout).toBe('started\n');
});
