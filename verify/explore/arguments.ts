// The command line of `npm run explore`.

import { CommandOptions, flag, integer } from '../kit/command-options.ts';

const OPTIONS = new CommandOptions('npm run explore', {
  servers: integer({ value: 'N', about: 'servers of the cluster, 2 or 3', min: 2, max: 3, default: 3 }),
  depth: integer({ value: 'N', about: 'events in the longest path', default: 40 }),
  seconds: integer({ value: 'N', about: 'end the search after N seconds', default: 60 }),
  states: integer({
    value: 'N',
    about: 'end the search after N states, to bound memory',
    default: 3_000_000,
  }),
  'time-outs': integer({ value: 'N', about: 'time-outs and heartbeats, all servers together', default: 2 }),
  crashes: integer({ value: 'N', about: 'crashes, each followed by a restart', default: 1 }),
  proposals: integer({ value: 'N', about: 'proposed commands', default: 1 }),
  drops: integer({ value: 'N', about: 'dropped messages; any message may also stay in flight', default: 0 }),
  duplicates: integer({ value: 'N', about: 'messages that are delivered and stay in flight', default: 0 }),
  'config-change': flag('a leader may propose to remove the last server'),
});

/** Throws CodedError `usage`. */
export function parseArguments(given: readonly string[]) {
  const { servers, depth, seconds, states, ...bounds } = OPTIONS.parse(given);
  const { 'time-outs': timeOuts, 'config-change': mayChange, ...rest } = bounds;
  return {
    servers,
    depth,
    seconds,
    maxStates: states,
    budget: { timeOuts, ...rest, changes: mayChange ? 1 : 0 },
  };
}
