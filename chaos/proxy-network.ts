// Without the right to make namespaces: every node advertises a proxy in this process instead of itself. The hello
// that opens each connection says who dialled, and so which link a connection belongs to.

import net from 'node:net';
import { FrameDecoder } from '../src/codec/frame.ts';
import { nodeOf } from '../src/node/server-id.ts';
import { present } from '../src/shared/assert.ts';
import { decodeHello, MAX_HELLO_BYTES } from '../src/transport/hello.ts';
import { freePorts } from '../test/support/free-ports.ts';
import type { ChaosNetwork, NodePlace } from './network.ts';

const HOST = '127.0.0.1';
const PORTS_PER_NODE = 3;

export class ProxyNetwork implements ChaosNetwork {
  readonly description =
    'TCP proxies between the nodes, in this process; what a cut link carries is held back';
  readonly places: readonly NodePlace[];
  readonly #servers: net.Server[] = [];
  readonly #cuts = new Set<string>();
  readonly #relays = new Set<Relay>();

  static async start(nodeIds: readonly string[]): Promise<ProxyNetwork> {
    const ports = await freePorts(nodeIds.length * PORTS_PER_NODE);
    const network = new ProxyNetwork(nodeIds, ports);
    for (const [at, place] of network.places.entries()) {
      await network.#listen(place, portAt(ports, at, 2));
    }
    return network;
  }

  private constructor(nodeIds: readonly string[], ports: readonly number[]) {
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

  mend(from: string, to: string): Promise<void> {
    this.#cuts.delete(link(from, to));
    return this.#update();
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) relay.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))));
  }

  #listen({ id, raftPort }: NodePlace, port: number): Promise<void> {
    const server = net.createServer((socket) => {
      const relay = new Relay(socket, { to: id, raftPort, isCut: (link) => this.#cuts.has(link) });
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

interface RelayOptions {
  readonly to: string;
  readonly raftPort: number;
  isCut(link: string): boolean;
}

/** One connection that a node dialled, and the proxy's own to the node behind it. */
class Relay {
  readonly #dialler: net.Socket;
  readonly #options: RelayOptions;
  readonly #decoder = new FrameDecoder(MAX_HELLO_BYTES);
  readonly #beforeHello: Buffer[] = [];
  #from: string | undefined;
  #target: net.Socket | undefined;

  constructor(dialler: net.Socket, options: RelayOptions) {
    this.#dialler = dialler;
    this.#options = options;
    dialler.on('error', () => {
      // Its close follows, and ends the other side.
    });
    dialler.once('close', () => this.#target?.destroy());
    dialler.on('data', (chunk: Buffer) => this.#readHello(chunk));
  }

  destroy(): void {
    this.#dialler.destroy();
    this.#target?.destroy();
  }

  /** After links were cut or mended: what may not pass stays in the sockets' buffers. */
  update(): void {
    if (this.#from === undefined) return;
    const { to, isCut } = this.#options;
    if (isCut(link(this.#from, to))) this.#dialler.pause();
    else {
      if (this.#target === undefined) this.#connect();
      this.#dialler.resume();
    }
    if (isCut(link(to, this.#from))) this.#target?.pause();
    else this.#target?.resume();
  }

  #readHello(chunk: Buffer): void {
    this.#beforeHello.push(chunk);
    this.#decoder.push(chunk);
    const payload = this.#decoder.next();
    if (payload === undefined) return;
    const hello = decodeHello(payload);
    if (hello === 'other-version') throw new Error('the nodes under test are of this version');
    this.#from = nodeOf(hello.identity.server);
    this.#dialler.removeAllListeners('data');
    this.#dialler.pause();
    this.update();
  }

  #connect(): void {
    const target = net.connect(this.#options.raftPort, HOST);
    this.#target = target;
    target.on('error', () => {
      // Its close follows, and ends the other side.
    });
    target.once('close', () => this.#dialler.destroy());
    for (const chunk of this.#beforeHello) target.write(chunk);
    this.#carry(this.#dialler, target);
    this.#carry(target, this.#dialler);
  }

  #carry(source: net.Socket, sink: net.Socket): void {
    source.on('data', (chunk: Buffer) => {
      if (sink.write(chunk)) return;
      source.pause();
      sink.once('drain', () => this.update());
    });
  }
}
