// Closed-loop load by wrk: each connection sends its next request when the answer to the last one is there.

import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { PROJECT_ROOT } from '../test/support/project-root.ts';

const SCRIPT = path.join(PROJECT_ROOT, 'bench', 'load.lua');
/** What keys have beside the run's own five characters. */
const RUN_CHARACTERS = 5;

export interface Load {
  /** Without a path. */
  readonly url: string;
  /** A kind of `load.lua`. */
  readonly kind: 'printer' | 'job' | 'etcd-put' | 'etcd-range' | 'get';
  readonly connections: number;
  readonly seconds: number;
  /** Of kinds that want one: the path to get, or the key to read in base64. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type LoadResult = {
  readonly requests: number;
  /** Answers of 400 and above, and connections that failed. */
  readonly errors: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};

export function hasWrk(): boolean {
  return spawnSync('sh', ['-c', 'command -v wrk'], { stdio: 'ignore' }).status === 0;
}

let runs = 0;

/** Throws when wrk fails. Keys of one run of the bench are never written twice. */
export async function runLoad(load: Load): Promise<LoadResult> {
  runs += 1;
  const { url, kind, connections, seconds, headers = {} } = load;
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', ...flags, '-s', SCRIPT, url];
  const output = await outputOf('wrk', args, {
    BENCH_KIND: kind,
    BENCH_RUN: `r${String(runs).padStart(RUN_CHARACTERS - 1, '0')}`,
    BENCH_PATH: load.path ?? '',
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

function outputOf(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
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
      else reject(new Error(`${program} ended with ${code}:\n${output}`));
    });
  });
}
