// The command line of `npm run chaos`.

import { CommandOptions, choice, integer, minutes, text } from '../kit/command-options.ts';

const MS_PER_MINUTE = 60_000;

const OPTIONS = new CommandOptions('npm run chaos', {
  minutes: minutes({ value: 'N', about: 'how long faults are injected, such as 10 or 0.5', default: 1 }),
  nodes: choice({ of: ['3', '5'], about: 'nodes of the cluster', default: '3' }),
  seed: integer({ value: 'S', about: "seed of the faults and the clients' operations (the time)" }),
  history: text({ value: 'FILE', about: "keep the clients' history in FILE, as JSON lines" }),
  network: choice({
    of: ['auto', 'namespaces', 'proxy'],
    about: 'namespaces need root; auto takes them where possible, else proxy',
    default: 'auto',
  }),
});

/** Start, recovery and audit come on top of `faultsMs`. The run removes a history without a `historyFile`. */
export type ChaosArguments = ReturnType<typeof parseArguments>;

/** Throws CodedError `usage`. `defaultSeed` is used when no seed is given. */
export function parseArguments(given: readonly string[], defaultSeed: number) {
  const { minutes, nodes, seed = defaultSeed, history, network } = OPTIONS.parse(given);
  return { faultsMs: minutes * MS_PER_MINUTE, nodes: Number(nodes), seed, historyFile: history, network };
}
