// Load by wrk (the Debian package `wrk`).

import { spawn } from 'node:child_process';
import path from 'node:path';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import type { Load, LoadResult } from './load-types.ts';

const SCRIPT = path.join(PROJECT_ROOT, 'verify', 'bench', 'load.lua');

export async function runWrk(load: Load, run: string): Promise<LoadResult> {
  const { url, kind, connections, seconds, headers = {} } = load;
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', ...flags, '-s', SCRIPT, url];
  const output = await outputOf(args, {
    BENCH_KIND: kind,
    BENCH_RUN: run,
    BENCH_PATH: load.path ?? '',
    BENCH_JOB: `${load.job ?? 1}`,
    BENCH_PAUSE: `${load.pauseMs ?? 0}`,
  });
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

function outputOf(args: readonly string[], environment: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`wrk ended with ${code}:\n${output}`));
    });
  });
}
