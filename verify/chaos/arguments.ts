// The command line of `npm run chaos`.

import type { CodedError } from '../../src/shared/coded-error.ts';
import { readOptions, usageError } from '../kit/command-options.ts';

export type NetworkKind = 'auto' | 'namespaces' | 'proxy';

export interface ChaosArguments {
  /** How long faults are injected; start, recovery and audit come on top. */
  readonly faultsMs: number;
  readonly nodes: number;
  readonly seed: number;
  /** Where the history is kept; undefined: in the run's directory, removed with it. */
  readonly historyFile: string | undefined;
  readonly network: NetworkKind;
}

export const USAGE = `Usage: npm run chaos -- [options]
  --minutes N      how long faults are injected, such as 10 or 0.5 (1)
  --nodes 3|5      nodes of the cluster (3)
  --seed S         what the faults and the clients' operations are drawn from (the time)
  --history FILE   keep the clients' history there, as JSON lines
  --network KIND   namespaces (root only), proxy, or auto: the first of them that is possible (auto)`;

const NAMES = new Set(['--minutes', '--nodes', '--seed', '--history', '--network']);
const DEFAULT_MINUTES = '1';
const MAX_MINUTES = 24 * 60;
const MS_PER_MINUTE = 60_000;

/** Throws CodedError `usage`. `defaultSeed` is for a run that gives none. */
export function parseArguments(given: readonly string[], defaultSeed: number): ChaosArguments {
  const values = readOptions(given, { names: NAMES, usage: USAGE });
  const minutesText = values.get('--minutes') ?? DEFAULT_MINUTES;
  const minutes = Number(minutesText);
  if (!/^\d+(?:\.\d+)?$/.test(minutesText) || minutes <= 0 || minutes > MAX_MINUTES) {
    throw usage(`--minutes is a number above 0 and up to ${MAX_MINUTES}`);
  }
  const nodes = values.get('--nodes') ?? '3';
  if (nodes !== '3' && nodes !== '5') throw usage('--nodes is 3 or 5');
  const seed = values.get('--seed') ?? `${defaultSeed}`;
  if (!/^\d{1,15}$/.test(seed)) throw usage('--seed is a whole number');
  return {
    faultsMs: minutes * MS_PER_MINUTE,
    nodes: Number(nodes),
    seed: Number(seed),
    historyFile: values.get('--history'),
    network: readNetwork(values.get('--network') ?? 'auto'),
  };
}

function readNetwork(text: string): NetworkKind {
  if (text === 'auto' || text === 'namespaces' || text === 'proxy') return text;
  throw usage('--network is auto, namespaces or proxy');
}

function usage(problem: string): CodedError {
  return usageError(problem, USAGE);
}
