// The connection that this node dials to one peer and keeps up while the peer is in the set of peers. It
// carries this node's messages.

import { BackOff } from '../../../shared/back-off.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { writePeerMessage } from '../codec/message-codec.ts';
import type { PeerMessage } from '../codec/peer-message.ts';
import type { RefusalReason } from '../node/ports/transport.ts';
import { type Dial, type DialResult, dial } from './dial.ts';
import type { FrameConnection } from './frame-connection.ts';
import type { ServerId } from './hello.ts';
import { ReceiptWatch } from './receipts.ts';
import { downCause } from './sockets.ts';
import type { TransportContext } from './transport-context.ts';

type State =
  | { readonly kind: 'dialling'; readonly attempt: Dial }
  | { readonly kind: 'up'; readonly connection: FrameConnection; readonly receipts: ReceiptWatch }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'closed' };

export class PeerLink {
  readonly #context: TransportContext;
  readonly #server: ServerId;
  readonly #backOff: BackOff;
  #address: string;
  #state: State;

  /** Dials at once, and again whenever the connection is lost, until it is closed. */
  constructor(context: TransportContext, server: ServerId, address: string) {
    const { minBackOffMs, maxBackOffMs } = context.limits;
    this.#context = context;
    this.#server = server;
    this.#address = address;
    this.#backOff = new BackOff({ minMs: minBackOffMs, maxMs: maxBackOffMs, random: Math.random });
    this.#state = this.#dial();
  }

  get address(): string {
    return this.#address;
  }

  send(message: PeerMessage): boolean {
    const state = this.#state;
    if (state.kind !== 'up') return false;
    const queued = state.connection.queue((writer) => writePeerMessage(writer, message));
    if (queued) state.receipts.expect();
    return queued;
  }

  /** Hands the messages of this turn to the socket now. */
  flush(): void {
    if (this.#state.kind === 'up') this.#state.connection.flush();
  }

  /** Dials another address. An open connection to the old one is closed, and reported as down. */
  moveTo(address: string): void {
    this.#address = address;
    this.#backOff.reset();
    if (this.#state.kind === 'up') this.#state.connection.destroy(undefined);
    else this.#redial();
  }

  /** Called when the peer dialled this node, so it is reachable: dials now, before the back-off ends. */
  onCall(): void {
    if (this.#state.kind === 'waiting') this.#redial();
  }

  /** Ends the link. Nothing is reported about the peer afterwards. */
  close(): void {
    this.#leave();
    this.#state = { kind: 'closed' };
  }

  #redial(): void {
    this.#leave();
    this.#state = this.#dial();
  }

  #leave(): void {
    const state = this.#state;
    if (state.kind === 'dialling') state.attempt.abandon();
    if (state.kind === 'waiting') clearTimeout(state.timer);
    if (state.kind === 'up') {
      state.receipts.stop();
      state.connection.onClose = () => undefined;
      state.connection.close();
    }
  }

  #dial(): State {
    const request = { address: this.#address, purpose: 'messages' as const, expectedServer: this.#server };
    const attempt = dial(this.#context, request, (result) => this.#onDialResult(result));
    return { kind: 'dialling', attempt };
  }

  #onDialResult(result: DialResult): void {
    if (result.kind === 'accepted') this.#becomeUp(result.connection);
    else if (result.kind === 'failed') this.#becomeDown(result.error);
    else this.#becomeRefused(result.reason);
  }

  #becomeRefused(reason: RefusalReason): void {
    this.#becomeWaiting();
    const fields = { peer: this.#server, address: this.#address, reason };
    const { boundedLog, handlers } = this.#context;
    boundedLog.warn(`refused ${this.#server} ${reason}`, 'a peer refused the connection', fields);
    handlers.onRefused(this.#server, reason);
  }

  #becomeUp(connection: FrameConnection): void {
    const receipts = new ReceiptWatch(this.#context.limits.receiptTimeoutMs, () =>
      connection.destroy(new CodedError('unreachable', `${this.#address} no longer confirms messages`)),
    );
    this.#backOff.reset();
    this.#state = { kind: 'up', connection, receipts };
    connection.maxPayloadBytes = 0;
    connection.onFrame = () => receipts.stop();
    connection.onClose = (error) => {
      receipts.stop();
      this.#becomeDown(error);
    };
    this.#context.logger.info('connected to a peer', { peer: this.#server, address: this.#address });
    this.#context.handlers.onPeerUp(this.#server);
  }

  #becomeDown(error: Error | undefined): void {
    const cause = downCause(error);
    const fields = { peer: this.#server, address: this.#address, cause, error: error?.message };
    if (this.#state.kind === 'up') this.#context.logger.info('lost the connection to a peer', fields);
    else this.#context.logger.debug('a peer could not be reached', fields);
    this.#becomeWaiting();
    this.#context.handlers.onPeerDown(this.#server, cause);
  }

  #becomeWaiting(): void {
    const timer = setTimeout(() => {
      this.#state = this.#dial();
    }, this.#backOff.nextDelayMs());
    this.#state = { kind: 'waiting', timer };
  }
}
