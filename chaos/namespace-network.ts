// Every node in a network namespace of its own, all on one bridge, which lies in a further namespace: the hub, where
// the clients run. No address and no interface of this is visible outside of these namespaces.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ChaosNetwork, NodePlace } from './network.ts';

const run = promisify(execFile);

/** Nobody's: frames to it are lost without a word, as on a broken wire. */
const NOBODYS_ADDRESS = '02:00:00:00:00:01';
const SUBNET = '10.231.0';
const FIRST_HOST = 11;
const HTTP_PORT = 8080;
const RAFT_PORT = 7000;

export interface Namespaces {
  readonly hub: string;
  /** By node id. */
  readonly nodes: ReadonlyMap<string, string>;
}

/** `name` tells this run's namespaces from those of others. */
export function namespacesOf(name: string, nodeIds: readonly string[]): Namespaces {
  return {
    hub: `${name}-hub`,
    nodes: new Map(nodeIds.map((id) => [id, `${name}-${id}`])),
  };
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args);
}

/** Throws, and leaves nothing behind, where this process may not make namespaces. */
export async function createNamespaces({ hub, nodes }: Namespaces): Promise<void> {
  try {
    await ip('netns', 'add', hub);
    await ip('-n', hub, 'link', 'set', 'lo', 'up');
    await ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge');
    await ip('-n', hub, 'address', 'add', `${SUBNET}.1/24`, 'dev', 'bridge');
    await ip('-n', hub, 'link', 'set', 'bridge', 'up');
    for (const [at, [id, namespace]] of [...nodes].entries()) {
      await ip('netns', 'add', namespace);
      await ip('-n', hub, 'link', 'add', id, 'type', 'veth', 'peer', 'name', 'wire', 'netns', namespace);
      await ip('-n', hub, 'link', 'set', id, 'master', 'bridge', 'up');
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
      await ip('-n', namespace, 'address', 'add', `${hostOf(at)}/24`, 'dev', 'wire');
      await ip('-n', namespace, 'link', 'set', 'wire', 'up');
    }
  } catch (error) {
    await deleteNamespaces({ hub, nodes });
    throw error;
  }
}

/** With whatever still runs in them: nothing but this run's processes can be there. Interfaces go with them. */
export async function deleteNamespaces({ hub, nodes }: Namespaces): Promise<void> {
  for (const namespace of [...nodes.values(), hub]) {
    const pids = await run('ip', ['netns', 'pids', namespace]).catch(() => undefined);
    // It was never made.
    if (pids === undefined) continue;
    for (const pid of pids.stdout.split('\n').filter((line) => line !== '')) killIfRunning(Number(pid));
    await ip('netns', 'delete', namespace);
  }
}

function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function hostOf(at: number): string {
  return `${SUBNET}.${FIRST_HOST + at}`;
}

/** Seen from the hub. The namespaces belong to whoever made them. */
export class NamespaceNetwork implements ChaosNetwork {
  readonly description = 'a network namespace for each node; what a cut link carries is lost silently';
  readonly places: readonly NodePlace[];
  readonly #namespaces: Namespaces;

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
    this.places = [...namespaces.nodes].map(([id, namespace], at) => ({
      id,
      host: hostOf(at),
      httpPort: HTTP_PORT,
      raftPort: RAFT_PORT,
      flags: [],
      runner: ['ip', 'netns', 'exec', namespace],
    }));
  }

  async cut(from: string, to: string): Promise<void> {
    await ip(...this.#neighbour(from, 'replace', to), 'lladdr', NOBODYS_ADDRESS, 'nud', 'permanent');
  }

  /** The true address is found again by asking for it. */
  async mend(from: string, to: string): Promise<void> {
    await ip(...this.#neighbour(from, 'delete', to));
  }

  async close(): Promise<void> {}

  #neighbour(from: string, action: string, to: string): string[] {
    const host = this.places.find(({ id }) => id === to)?.host ?? '';
    return ['-n', this.#namespaces.nodes.get(from) ?? '', 'neighbour', action, host, 'dev', 'wire'];
  }
}
