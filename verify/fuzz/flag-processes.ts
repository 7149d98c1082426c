// Runs the built program with arbitrary command lines: it must end with a documented exit code and one
// sentence.

import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { parseCommandLine } from '../../src/config/flags.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { MAIN } from '../kit/node-process.ts';
import { checkAsyncProperty } from './check-property.ts';
import { commandLines } from './flag-ideas.ts';
import { Finding, type Idea } from './idea.ts';

const PROGRAM_TIMEOUT_MS = 20_000;
const MAX_ARGUMENT_CHARACTERS = 5_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Lines that start no node: a mistake, help, or an impossible data directory. */
const harmless = fc
  .tuple(commandLines, fc.constantFrom(undefined, '/dev/null/below', '/proc/nowhere'))
  .map(([args, nowhere]) => {
    const sendable = args.map((text) => text.replace(/[\0\p{Cs}]/gu, '').slice(0, MAX_ARGUMENT_CHARACTERS));
    if (expectedExit(sendable) !== EXIT_FAILED) return sendable;
    const place = nowhere ?? '/dev/null/below';
    return [...sendable, '-data', place, '-logs', place, '-clean=false'];
  });

/** Returns the exit code by the parser. EXIT_FAILED stands for a line that would start a node. */
function expectedExit(args: readonly string[]): number {
  try {
    return parseCommandLine(args).kind === 'help' ? 0 : EXIT_FAILED;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'usage') return EXIT_USAGE;
    throw error;
  }
}

async function judge(args: readonly string[]): Promise<string> {
  const expected = expectedExit(args);
  const { code, stdout, stderr } = await run(args);
  const told = `exit code ${code}, stdout ${JSON.stringify(stdout)}, stderr ${JSON.stringify(stderr)}`;
  if (code !== expected) throw new Finding(`the exit code should be ${expected}: ${told}`);
  if (/\n {4}at /.test(stderr + stdout)) throw new Finding(`a stack trace: ${told}`);
  const isInPlace =
    expected === 0 ? stderr === '' && stdout !== '' : stdout === '' && stderr.startsWith('raft3d: ');
  if (!isInPlace) throw new Finding(`not one sentence on the right stream: ${told}`);
  return `exit code ${code}`;
}

function run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PROGRAM_TIMEOUT_MS,
    });
    const texts = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      texts.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
}

export const flagProcessIdea: Idea = {
  target: 'flags',
  name: 'processes',
  weight: 0.05,
  roundCases: 10,
  async run({ seed, cases, tally }) {
    await checkAsyncProperty({ seed, runs: cases, arbitrary: harmless }, async (args) => {
      tally.count('flags', { idea: 'processes', kind: 'as a process', outcome: await judge(args) });
    });
  },
};
