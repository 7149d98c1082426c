// Relays one connection that a node dialled to the node behind the proxy.

import net from 'node:net';
import { FrameDecoder } from '../../src/engines/raft/codec/frame.ts';
import { nodeOf } from '../../src/engines/raft/node/membership/server-id.ts';
import { decodeHello, MAX_HELLO_BYTES } from '../../src/engines/raft/transport/hello.ts';
import type { Draws } from '../kit/draws.ts';
import type { LinkQuality } from './network.ts';
import { SlowLine } from './slow-line.ts';

interface RelayOptions {
  /** The node behind the proxy. */
  readonly to: string;
  readonly host: string;
  readonly raftPort: number;
  readonly draws: Draws;
  /** Counts losses and delays on bad links. */
  readonly damage: { lost: number; late: number };
  isCut(from: string, to: string): boolean;
  /** Undefined while the link is good. */
  qualityOf(from: string, to: string): LinkQuality | undefined;
}

export class ProxyRelay {
  readonly #dialler: net.Socket;
  readonly #options: RelayOptions;
  readonly #decoder = new FrameDecoder(MAX_HELLO_BYTES);
  readonly #beforeHello: Buffer[] = [];
  #from: string | undefined;
  #target: net.Socket | undefined;
  #there: SlowLine | undefined;
  #back: SlowLine | undefined;

  constructor(dialler: net.Socket, options: RelayOptions) {
    this.#dialler = dialler;
    this.#options = options;
    dialler.on('error', () => {
      // The 'close' event follows and ends the other side.
    });
    dialler.once('close', () => this.#target?.destroy());
    dialler.on('data', (chunk: Buffer) => this.#readHello(chunk));
  }

  destroy(): void {
    this.#dialler.destroy();
    this.#target?.destroy();
  }

  /** Applies the links' current state. Data on a cut link stays in the sockets' buffers. */
  update(): void {
    const from = this.#from;
    if (from === undefined) return;
    const { to, isCut } = this.#options;
    if (isCut(from, to)) this.#dialler.pause();
    else {
      if (this.#target === undefined) this.#connect(from);
      if (!this.#there?.isFull) this.#dialler.resume();
    }
    if (isCut(to, from)) this.#target?.pause();
    else if (!this.#back?.isFull) this.#target?.resume();
  }

  #readHello(chunk: Buffer): void {
    this.#beforeHello.push(chunk);
    this.#decoder.push(chunk);
    const payload = this.#decoder.next();
    if (payload === undefined) return;
    const hello = decodeHello(payload);
    if (hello === 'other-version') throw new Error('a node has another protocol version');
    this.#from = nodeOf(hello.identity.server);
    this.#dialler.removeAllListeners('data');
    this.#dialler.pause();
    this.update();
  }

  #connect(from: string): void {
    const { host, raftPort, to, qualityOf } = this.#options;
    const dialler = this.#dialler;
    const target = net.connect(raftPort, host);
    this.#target = target;
    target.on('error', () => {
      // The 'close' event follows and ends the other side.
    });
    target.once('close', () => dialler.destroy());
    for (const chunk of this.#beforeHello) target.write(chunk);
    const shared = { draws: this.#options.draws, damage: this.#options.damage, onRoom: () => this.update() };
    const quality = () => qualityOf(from, to);
    const qualityBack = () => qualityOf(to, from);
    this.#there = new SlowLine({ source: dialler, sink: target, quality, ...shared });
    this.#back = new SlowLine({ source: target, sink: dialler, quality: qualityBack, ...shared });
  }
}
