// Clients that hold a connection by sending a byte now and then, until the node ends it.

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from '../../src/http/app.ts';
import { waitFor } from '../kit/wait-for.ts';
import { Finding } from './idea.ts';
import type { Tally } from './tally.ts';

const MAX_CLIENTS = 10;
const BYTE_EVERY_MS = 300;
/** The node checks its connections at intervals, and a busy machine is late. */
const GRACE_MS = 20_000;

const HEAD =
  'POST /api/v1/printers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n';

interface Client {
  readonly socket: net.Socket;
  readonly part: 'headers' | 'body';
  readonly openedAt: number;
  sentAt: number;
  received: string;
  isClosed: boolean;
}

export class SlowClients {
  readonly #port: number;
  #clients: Client[] = [];
  #opened = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a byte on each connection, and opens a new one where one has ended. Throws Finding. */
  async step(tally: Tally): Promise<void> {
    // Pending events of the sockets are handled first.
    await sleep(1);
    const now = performance.now();
    for (const client of this.#clients.filter(({ isClosed }) => isClosed)) this.#judgeEnd(client, tally);
    this.#clients = this.#clients.filter(({ isClosed }) => !isClosed);
    for (const client of this.#clients) {
      if (now - client.openedAt > limitOf(client)) {
        throw new Finding(`an incomplete request was kept for ${Math.round(now - client.openedAt)} ms`);
      }
      if (now - client.sentAt < BYTE_EVERY_MS) continue;
      client.sentAt = now;
      client.socket.write(client.part === 'headers' ? 'a' : ' ');
    }
    if (this.#clients.length < MAX_CLIENTS) this.#clients.push(this.#open(now));
  }

  /** Waits for the remaining clients, if the run was long enough for the node to end any of them. */
  async finish(tally: Tally): Promise<void> {
    const oldest = Math.min(...this.#clients.map(({ openedAt }) => openedAt));
    if (performance.now() - oldest < HEADERS_TIMEOUT_MS) return;
    await waitFor(
      'slow clients are ended',
      () => {
        this.#opened = 0;
        return this.#clients.every(({ isClosed }) => isClosed);
      },
      { timeoutMs: REQUEST_TIMEOUT_MS + GRACE_MS },
    );
    for (const client of this.#clients) this.#judgeEnd(client, tally);
    this.#clients = [];
  }

  close(): void {
    for (const { socket } of this.#clients) socket.destroy();
  }

  #open(now: number): Client {
    const part = this.#opened++ % 2 === 0 ? 'headers' : 'body';
    const socket = net.connect(this.#port, '127.0.0.1');
    const client: Client = { socket, part, openedAt: now, sentAt: now, received: '', isClosed: false };
    socket.on('data', (chunk) => {
      client.received += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      client.isClosed = true;
    });
    socket.write(part === 'headers' ? HEAD : `${HEAD}\r\n{`);
    return client;
  }

  #judgeEnd({ part, received }: Client, tally: Tally): void {
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(received) ?? [];
    if (status !== '408')
      throw new Finding(`slow ${part} were ended with ${JSON.stringify(received.slice(0, 300))}`);
    tally.count('http', { idea: 'api', kind: `slow ${part}`, outcome: status });
  }
}

function limitOf({ part }: Client): number {
  return (part === 'headers' ? HEADERS_TIMEOUT_MS : REQUEST_TIMEOUT_MS) + GRACE_MS;
}
