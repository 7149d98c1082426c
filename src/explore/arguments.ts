// The command line of `npm run explore`.

import { CodedError } from '../shared/coded-error.ts';
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
  const values = new Map(NUMBERS);
  let changes = 0;
  for (let at = 0; at < given.length; at++) {
    const name = given[at] ?? '';
    if (name === '--config-change') {
      changes = 1;
      continue;
    }
    if (!values.has(name)) throw usage(`there is no option ${name}`);
    at += 1;
    const text = given[at] ?? '';
    if (!/^\d{1,9}$/.test(text)) throw usage(`${name} is followed by a whole number`);
    values.set(name, Number(text));
  }
  const number = (name: string): number => values.get(name) ?? 0;
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
      changes,
    },
  };
}

function usage(problem: string): CodedError {
  return new CodedError('usage', `${problem}\n${USAGE}`);
}
