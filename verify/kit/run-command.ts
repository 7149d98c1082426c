// Runs a command to its end, as at a terminal, and returns its output.

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
  /** Added to the environment of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its standard input. */
  readonly input?: string;
  /** After this time the command and its children are killed. The result has the output until then. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Resolves for every exit code. */
export function runCommand(
  [program, ...args]: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? PROJECT_ROOT,
      env: { ...process.env, ...options.environment },
      // A process group of its own, because children keep the output open and would survive the command.
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
      // The command ended without reading its input. Its exit code gives the reason.
    });
    child.stdin.end(options.input ?? '');
  });
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All processes of the group have ended.
  }
}
