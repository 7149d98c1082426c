// One child process, run to its end or to a bound, with all that it wrote.

import { spawn } from 'node:child_process';

export interface ChildEnd {
  /** Undefined when it was ended at its bound. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** Runs this Node in `directory`. The child leads a group of its own, so that what it started ends with it. */
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

/** A vitest that runs in a test of vitest must not take itself for one of its workers. */
function withoutVitest(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(?:VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$)/.test(name),
  );
  return Object.fromEntries(kept);
}
