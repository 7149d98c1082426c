// Runs one child process to its end or to a bound, and returns its output.

import { spawn } from 'node:child_process';

interface ChildEnd {
  /** Undefined when it was killed at its bound. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/**
 * Runs Node.js in `directory`. The child leads its own process group, so that its own children end with it.
 */
export function runNode(
  args: readonly string[],
  options: { directory: string; boundSeconds: number },
): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, {
      cwd: options.directory,
      env: withoutVitest(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const endGroup = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    };
    let isAtBound = false;
    const bound = setTimeout(() => {
      isAtBound = true;
      endGroup();
    }, options.boundSeconds * 1_000);
    process.once('exit', endGroup);
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const pieces: string[] = [];
      stream.setEncoding('utf8').on('data', (text: string) => pieces.push(text));
      return pieces;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(bound);
      process.off('exit', endGroup);
      resolve({
        code: isAtBound ? undefined : (code ?? (signal === null ? 0 : 1)),
        stdout: stdout?.join('') ?? '',
        stderr: stderr?.join('') ?? '',
        seconds: (performance.now() - startedAt) / 1_000,
      });
    });
  });
}

/** Returns the environment without vitest's variables: a nested vitest must not take itself for a worker. */
function withoutVitest(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(?:VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$)/.test(name),
  );
  return Object.fromEntries(kept);
}
