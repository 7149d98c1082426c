// The command line of `npm run explore`.

import type { CodedError } from '../../src/shared/coded-error.ts';
import { readOptions, usageError } from '../kit/command-options.ts';
import type { Budget } from './scenario.ts';

export interface ExploreArguments {
  readonly servers: 2 | 3;
  readonly depth: number;
  readonly seconds: number;
  readonly maxStates: number;
  readonly budget: Budget;
}

export const USAGE = `Usage: npm run explore -- [options]
  --servers 2|3    servers of the cluster (3)
  --depth N        events in the longest path (40)
  --seconds N      end the search after so long (60)
  --states N       end the search after so many states, for memory (3000000)
  --time-outs N    time-outs and heartbeats, all servers together (2)
  --crashes N      crashes, each with a restart (1)
  --proposals N    commands proposed (1)
  --drops N        messages dropped: one that is never delivered is lost anyway (0)
  --duplicates N   messages delivered and kept (0)
  --config-change  a leader may propose to remove the last server`;

const CONFIG_CHANGE = '--config-change';
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['--servers', 3],
  ['--depth', 40],
  ['--seconds', 60],
  ['--states', 3_000_000],
  ['--time-outs', 2],
  ['--crashes', 1],
  ['--proposals', 1],
  ['--drops', 0],
  ['--duplicates', 0],
]);

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]): ExploreArguments {
  const options = readOptions(
    given.filter((text) => text !== CONFIG_CHANGE),
    { names: new Set(NUMBERS.keys()), usage: USAGE },
  );
  const number = (name: string): number => {
    const text = options.get(name);
    if (text === undefined) return NUMBERS.get(name) ?? 0;
    if (!/^\d{1,9}$/.test(text)) throw usage(`${name} is followed by a whole number`);
    return Number(text);
  };
  const servers = number('--servers');
  if (servers !== 2 && servers !== 3) throw usage('--servers is 2 or 3');
  return {
    servers,
    depth: number('--depth'),
    seconds: number('--seconds'),
    maxStates: number('--states'),
    budget: {
      timeOuts: number('--time-outs'),
      crashes: number('--crashes'),
      proposals: number('--proposals'),
      drops: number('--drops'),
      duplicates: number('--duplicates'),
      changes: given.includes(CONFIG_CHANGE) ? 1 : 0,
    },
  };
}

function usage(problem: string): CodedError {
  return usageError(problem, USAGE);
}
