// Sends bytes on one connection to the API, in a given way, and reads the answers.

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, judgeAnswer, readAnswer } from './http-answer.ts';
import { Finding } from './idea.ts';

export type Delivery =
  /** In one piece; the connection stays open until the answers have come. */
  | { readonly kind: 'whole' }
  /** In pieces, some milliseconds apart. */
  | { readonly kind: 'pieces'; readonly count: number }
  /** Up to a place (in ten-thousandths of the length), then the connection is reset. */
  | { readonly kind: 'cut'; readonly at: number }
  /** Up to a place, then our side is closed in order. */
  | { readonly kind: 'ended-early'; readonly at: number }
  /** Whole, and our side is closed at once. */
  | { readonly kind: 'half-closed' }
  /** Whole, and the connection is reset before anything is read. */
  | { readonly kind: 'dropped' };

interface Exchange {
  readonly answers: readonly Answer[];
  /** Every byte was sent: requests without an answer may have taken effect. */
  readonly wasSentWhole: boolean;
}

/** Far more than any request needs, also on a busy machine. The node's own time-outs are longer. */
const ANSWER_TIMEOUT_MS = 10_000;
/**
 * The node may wait for more bytes. After this time our side is closed, and the node must end the connection.
 */
const PATIENCE_MS = 60;
const PIECE_PAUSE_MS = 2;
const PLACES = 10_000;

/** Sends the requests in `bytes`, with these methods, on one connection, and reads until it ends. */
export async function exchange(
  port: number,
  { bytes, methods, delivery }: { bytes: Uint8Array; methods: readonly string[]; delivery: Delivery },
): Promise<Exchange> {
  const connection = await Connection.open(port, methods);
  try {
    switch (delivery.kind) {
      case 'whole':
        connection.send(bytes);
        break;
      case 'pieces':
        for (const piece of piecesOf(bytes, delivery.count)) {
          connection.send(piece);
          await sleep(PIECE_PAUSE_MS);
        }
        break;
      case 'cut':
        await connection.cutAfter(bytes.subarray(0, placeIn(bytes, delivery.at)));
        return { answers: [], wasSentWhole: false };
      case 'ended-early':
        connection.send(bytes.subarray(0, placeIn(bytes, delivery.at)));
        connection.end();
        return { answers: await connection.readToEnd(), wasSentWhole: false };
      case 'half-closed':
        connection.send(bytes);
        connection.end();
        break;
      case 'dropped':
        await connection.cutAfter(bytes);
        return { answers: [], wasSentWhole: true };
    }
    await connection.waitForAnswers();
    connection.end();
    return { answers: await connection.readToEnd(), wasSentWhole: true };
  } finally {
    connection.destroy();
  }
}

class Connection {
  readonly #socket: net.Socket;
  readonly #methods: readonly string[];
  readonly #answers: Answer[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #error: unknown;
  #wake: () => void = () => undefined;

  static open(port: number, methods: readonly string[]): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      socket.once('connect', () => resolve(new Connection(socket, methods)));
      socket.once('error', (cause) =>
        reject(new Finding(`the node accepts no connection: ${cause.message}`, { cause })),
      );
    });
  }

  private constructor(socket: net.Socket, methods: readonly string[]) {
    this.#socket = socket;
    this.#methods = methods;
    socket.removeAllListeners('error');
    // A reset counts as an end: the answers until then count.
    socket.on('error', () => this.#end());
    socket.on('data', (chunk) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.#read();
    });
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  send(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#isClosed) this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends `bytes`, and resets the connection once the system has taken them. */
  cutAfter(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.write(bytes, () => this.#socket.resetAndDestroy());
    });
  }

  /** Waits until each request is answered, the connection ends, or the node seems to wait for more bytes. */
  async waitForAnswers(): Promise<void> {
    const isDone = (): boolean => this.#isClosed || this.#answers.length >= this.#methods.length;
    const isOne = this.#methods.length === 1;
    await this.#until(isDone, isOne ? PATIENCE_MS : ANSWER_TIMEOUT_MS);
    if (!isDone() && !isOne)
      throw new Finding(`${this.#answers.length} answers to ${this.#methods.length} requests in time`);
  }

  async readToEnd(): Promise<readonly Answer[]> {
    await this.#until(() => this.#isClosed, ANSWER_TIMEOUT_MS);
    if (!this.#isClosed) throw new Finding('the connection does not end');
    return this.#answers;
  }

  async #until(isDone: () => boolean, timeoutMs: number): Promise<void> {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      this.#wake();
    }, timeoutMs);
    while (!isDone() && this.#error === undefined && !isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(timer);
    if (this.#error !== undefined) throw this.#error;
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#read();
    this.#wake();
  }

  #read(): void {
    try {
      for (;;) {
        const method = this.#methods[this.#answers.length] ?? 'GET';
        const next = readAnswer(this.#unread, { method, isClosed: this.#isClosed });
        if (next === undefined) break;
        judgeAnswer(next.answer, method);
        this.#answers.push(next.answer);
        this.#unread = this.#unread.subarray(next.length);
      }
    } catch (error) {
      this.#error ??= error;
    }
    this.#wake();
  }
}

function placeIn(bytes: Uint8Array, at: number): number {
  return Math.min(bytes.length - 1, Math.floor((at / PLACES) * bytes.length));
}

function* piecesOf(bytes: Uint8Array, count: number): Generator<Uint8Array> {
  const length = Math.max(1, Math.ceil(bytes.length / count));
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
