// A network of TCP proxies, for processes that may not make namespaces. Every node advertises a proxy in this
// process. The hello of a connection names the dialling node, and so the link.

import net from 'node:net';
import { present } from '../../src/shared/assert.ts';
import type { Draws } from '../kit/draws.ts';
import { freePorts } from '../kit/free-ports.ts';
import type { ChaosNetwork, LinkQuality, NodePlace } from './network.ts';
import { ProxyRelay } from './proxy-relay.ts';

const HOST = '127.0.0.1';
const PORTS_PER_NODE = 3;

export class ProxyNetwork implements ChaosNetwork {
  readonly description =
    'TCP proxies between the nodes; a cut link holds data back; on a bad link data is late, and a loss is a stall until TCP would send again, or a broken connection';
  readonly canWorsen = true;
  readonly linkDamage = { lost: 0, late: 0 };
  readonly places: readonly NodePlace[];
  readonly #servers: net.Server[] = [];
  readonly #cuts = new Set<string>();
  readonly #worse = new Map<string, LinkQuality>();
  readonly #relays = new Set<ProxyRelay>();
  readonly #draws: Draws;

  static async start(nodeIds: readonly string[], draws: Draws): Promise<ProxyNetwork> {
    const ports = await freePorts(nodeIds.length * PORTS_PER_NODE);
    const network = new ProxyNetwork(nodeIds, { ports, draws });
    for (const [at, place] of network.places.entries()) {
      await network.#listen(place, portAt(ports, at, 2));
    }
    return network;
  }

  private constructor(
    nodeIds: readonly string[],
    { ports, draws }: { ports: readonly number[]; draws: Draws },
  ) {
    this.#draws = draws;
    this.places = nodeIds.map((id, at) => ({
      id,
      host: HOST,
      httpPort: portAt(ports, at, 0),
      raftPort: portAt(ports, at, 1),
      flags: ['-advertise', `${HOST}:${portAt(ports, at, 2)}`],
      runner: [],
    }));
  }

  cut(from: string, to: string): Promise<void> {
    this.#cuts.add(link(from, to));
    return this.#update();
  }

  worsen(from: string, to: string, quality: LinkQuality): Promise<void> {
    this.#worse.set(link(from, to), quality);
    return this.#update();
  }

  mend(from: string, to: string): Promise<void> {
    this.#cuts.delete(link(from, to));
    this.#worse.delete(link(from, to));
    return this.#update();
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) relay.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))));
  }

  #listen({ id, raftPort }: NodePlace, port: number): Promise<void> {
    const server = net.createServer((socket) => {
      const relay = new ProxyRelay(socket, {
        to: id,
        host: HOST,
        raftPort,
        draws: this.#draws,
        damage: this.linkDamage,
        isCut: (from, to) => this.#cuts.has(link(from, to)),
        qualityOf: (from, to) => this.#worse.get(link(from, to)),
      });
      this.#relays.add(relay);
      socket.once('close', () => this.#relays.delete(relay));
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, resolve);
    });
  }

  async #update(): Promise<void> {
    for (const relay of this.#relays) relay.update();
  }
}

function portAt(ports: readonly number[], node: number, which: number): number {
  return present(ports[node * PORTS_PER_NODE + which], 'each node has its ports');
}

function link(from: string, to: string): string {
  return `${from}>${to}`;
}
