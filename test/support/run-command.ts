// A command run to its end, as somebody at a terminal would, with all that it wrote.

import { spawn } from 'node:child_process';
import { PROJECT_ROOT } from './project-root.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Beside the environment of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Typed into it; its input ends behind that. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Never throws for an exit code: that is in the result. */
export function runCommand(
  [program, ...args]: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? PROJECT_ROOT,
      env: { ...process.env, ...options.environment },
      timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => {
      // It ended without reading its input: its exit code says why.
    });
    child.stdin.end(options.input ?? '');
  });
}
