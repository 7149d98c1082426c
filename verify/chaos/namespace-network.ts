// A network of namespaces: one for each node, and the hub with a bridge and the clients. Its addresses and
// interfaces are not visible outside of these namespaces. A bad link leads through a tunnel to the hub and
// from there to the other node; good links use the wire.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { present } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import type { ChaosNetwork, LinkDamage, LinkQuality, NodePlace } from './network.ts';
import { TUNNEL_PORT, TunnelRelay } from './tunnel-relay.ts';

const run = promisify(execFile);

/** An unused address: frames to it are lost silently, as on a broken wire. */
const UNUSED_ADDRESS = '02:00:00:00:00:01';
const SUBNET = '10.231.0';
const HUB_HOST = `${SUBNET}.1`;
const FIRST_HOST = 11;
const HTTP_PORT = 8080;
const RAFT_PORT = 7000;

interface Namespaces {
  readonly hub: string;
  /** By node id. */
  readonly nodes: ReadonlyMap<string, string>;
}

/** `name` distinguishes the namespaces of this run from others. */
export function namespacesOf(name: string, nodeIds: readonly string[]): Namespaces {
  return {
    hub: `${name}-hub`,
    nodes: new Map(nodeIds.map((id) => [id, `${name}-${id}`])),
  };
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args);
}

/** Creates all namespaces. Throws, and leaves nothing behind, where this process may not. */
export async function createNamespaces({ hub, nodes }: Namespaces): Promise<void> {
  try {
    await ip('netns', 'add', hub);
    await ip('-n', hub, 'link', 'set', 'lo', 'up');
    await ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge');
    await ip('-n', hub, 'address', 'add', `${HUB_HOST}/24`, 'dev', 'bridge');
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

/** Returns false where the kernel has no VXLAN: then links cannot be made bad. */
async function createTunnels(namespaces: readonly string[]): Promise<boolean> {
  try {
    for (const [at, namespace] of namespaces.entries()) {
      const ends = ['local', hostOf(at), 'remote', HUB_HOST, 'dstport', `${TUNNEL_PORT}`, 'dev', 'wire'];
      const device = ['link', 'add', 'tunnel', 'address', tunnelAddressOf(at), 'type', 'vxlan', 'id', '1'];
      await ip('-n', namespace, ...device, ...ends, 'nolearning');
      // One packet for each datagram, since the relay sends them one by one.
      await ip('-n', namespace, 'link', 'set', 'tunnel', 'gso_max_segs', '1', 'addrgenmode', 'none', 'up');
    }
    return true;
  } catch {
    return false;
  }
}

/** Deletes the namespaces, with their interfaces and the remaining processes of this run. */
export async function deleteNamespaces({ hub, nodes }: Namespaces): Promise<void> {
  for (const namespace of [...nodes.values(), hub]) {
    const pids = await run('ip', ['netns', 'pids', namespace]).catch(() => undefined);
    // The namespace was never made.
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

function tunnelAddressOf(at: number): string {
  return `02:00:00:00:01:${(FIRST_HOST + at).toString(16).padStart(2, '0')}`;
}

/** The network as the hub sees it. It does not delete the namespaces. */
export class NamespaceNetwork implements ChaosNetwork {
  readonly places: readonly NodePlace[];
  readonly #namespaces: readonly string[];
  readonly #relay: TunnelRelay | undefined;
  readonly #worse = new Set<string>();

  static async start(namespaces: Namespaces, draws: Draws): Promise<NamespaceNetwork> {
    const hasTunnels = await createTunnels([...namespaces.nodes.values()]);
    const relay = hasTunnels ? await TunnelRelay.start(HUB_HOST, draws) : undefined;
    return new NamespaceNetwork(namespaces, relay);
  }

  private constructor(namespaces: Namespaces, relay: TunnelRelay | undefined) {
    this.#namespaces = [...namespaces.nodes.values()];
    this.#relay = relay;
    this.places = [...namespaces.nodes].map(([id, namespace], at) => ({
      id,
      host: hostOf(at),
      httpPort: HTTP_PORT,
      raftPort: RAFT_PORT,
      flags: [],
      runner: ['ip', 'netns', 'exec', namespace],
    }));
  }

  get description(): string {
    const bad = this.canWorsen
      ? 'on a bad link packets are lost and late'
      : 'no bad links, since the kernel has no VXLAN';
    return `a network namespace for each node; packets on a cut link are lost, ${bad}`;
  }

  get canWorsen(): boolean {
    return this.#relay !== undefined;
  }

  get linkDamage(): LinkDamage {
    return this.#relay?.damage ?? { lost: 0, late: 0 };
  }

  async cut(from: string, to: string): Promise<void> {
    await this.#setNeighbour({ from, to, device: 'wire', address: UNUSED_ADDRESS });
  }

  async worsen(from: string, to: string, quality: LinkQuality): Promise<void> {
    const [source, target] = [this.#at(from), this.#at(to)];
    this.#relay?.set(hostOf(source), hostOf(target), quality);
    await this.#setNeighbour({ from, to, device: 'tunnel', address: tunnelAddressOf(target) });
    const route = ['route', 'replace', `${hostOf(target)}/32`, 'dev', 'tunnel', 'src', hostOf(source)];
    await ip('-n', this.#namespaceOf(from), ...route);
    this.#worse.add(`${from}>${to}`);
  }

  async mend(from: string, to: string): Promise<void> {
    const host = hostOf(this.#at(to));
    if (this.#worse.delete(`${from}>${to}`)) {
      await ip('-n', this.#namespaceOf(from), 'route', 'delete', `${host}/32`, 'dev', 'tunnel');
      this.#relay?.set(hostOf(this.#at(from)), host, undefined);
    } else {
      // The kernel looks up the real address again.
      await ip('-n', this.#namespaceOf(from), 'neighbour', 'delete', host, 'dev', 'wire');
    }
  }

  async close(): Promise<void> {
    await this.#relay?.close();
  }

  async #setNeighbour(link: { from: string; to: string; device: string; address: string }): Promise<void> {
    const host = hostOf(this.#at(link.to));
    const neighbour = ['neighbour', 'replace', host, 'dev', link.device];
    await ip('-n', this.#namespaceOf(link.from), ...neighbour, 'lladdr', link.address, 'nud', 'permanent');
  }

  #at(id: string): number {
    return this.places.findIndex((place) => place.id === id);
  }

  #namespaceOf(id: string): string {
    return present(this.#namespaces[this.#at(id)], `${id} has a namespace`);
  }
}
