// Load by wrk (the Debian package `wrk`).

import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import type { Load, LoadResult } from './load-types.ts';

const SCRIPT = path.join(PROJECT_ROOT, 'verify', 'bench', 'load.lua');

/** A load that runs. SIGSTOP may stop its process for a while; wrk's clock goes on. */
export interface RunningWrk {
  readonly process: ChildProcess;
  readonly result: Promise<LoadResult>;
}

export function startWrk(load: Load, run: string): RunningWrk {
  const { url, kind, connections, seconds, headers = {} } = load;
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', ...flags, '-s', SCRIPT, url];
  const child = spawn('wrk', args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BENCH_KIND: kind,
      BENCH_RUN: run,
      BENCH_PATH: load.path ?? '',
      BENCH_JOB: `${load.job ?? 1}`,
      BENCH_PAUSE: `${load.pauseMs ?? 0}`,
    },
  });
  return { process: child, result: outputOf(child).then(resultIn) };
}

function resultIn(output: string): LoadResult {
  const told = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, number>;
  const number = (name: string): number => told[name] ?? Number.NaN;
  return {
    requests: number('requests'),
    errors: number('errors'),
    perSecond: (number('requests') - number('errors')) / number('seconds'),
    p50: number('p50') / 1_000,
    p99: number('p99') / 1_000,
    p999: number('p999') / 1_000,
    max: number('max') / 1_000,
  };
}

function outputOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`wrk ended with ${code}:\n${output}`));
    });
  });
}
