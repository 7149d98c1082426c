// A command run to its end, as somebody at a terminal would, with all that it wrote.

import { spawn } from 'node:child_process';
import { PROJECT_ROOT } from './project-root.ts';

export interface CommandResult {
  /** Null when it was killed. */
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
  /** Then it is killed with all that it started, and the result is what it had written. */
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
      // A process group of its own: what it started keeps its output open, and would go on without it.
      detached: true,
    });
    const killAll = (): void => killGroup(child.pid);
    const timer = setTimeout(killAll, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    process.once('exit', killAll);
    const isOver = (): void => {
      clearTimeout(timer);
      process.off('exit', killAll);
    };
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => {
      isOver();
      reject(error);
    });
    child.once('close', (code) => {
      isOver();
      resolve({ code, stdout, stderr });
    });
    child.stdin.on('error', () => {
      // It ended without reading its input: its exit code says why.
    });
    child.stdin.end(options.input ?? '');
  });
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of them have ended already.
  }
}
