// The connection that a simulated node dials to one peer, for as long as the peer is configured.

import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type { TransportHandlers } from '../../src/engines/raft/node/ports/transport.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { ProcessLife, SimulatedEvent } from './process-life.ts';
import type { Endpoint } from './simulated-connection.ts';
import { type Dial, type DialResult, dial } from './simulated-dial.ts';
import type { HostIndex } from './simulated-links.ts';
import type { SimulatedNetwork } from './simulated-network.ts';

/** The wait between dials doubles from the minimum to the maximum. */
const MIN_BACK_OFF_MS = 20;
const MAX_BACK_OFF_MS = 1_000;

type State =
  | { readonly kind: 'dialling'; readonly attempt: Dial }
  | { readonly kind: 'up'; readonly end: Endpoint }
  | { readonly kind: 'waiting'; readonly event: SimulatedEvent }
  | { readonly kind: 'closed' };

interface LinkOwner {
  readonly host: HostIndex;
  readonly life: ProcessLife;
  readonly handlers: TransportHandlers;
}

export class SimulatedPeerLink {
  readonly #network: SimulatedNetwork;
  readonly #owner: LinkOwner;
  readonly #server: ServerId;
  #address: string;
  #backOffMs = MIN_BACK_OFF_MS;
  #state: State;

  /** Dials at once, and again until it is closed. */
  constructor(network: SimulatedNetwork, owner: LinkOwner, peer: { server: ServerId; address: string }) {
    this.#network = network;
    this.#owner = owner;
    this.#server = peer.server;
    this.#address = peer.address;
    this.#state = this.#dial();
  }

  get address(): string {
    return this.#address;
  }

  send(message: PeerMessage): boolean {
    return this.#state.kind === 'up' && this.#state.end.send({ kind: 'message', message });
  }

  /** Called when the peer has a new address: the connection to the old one is closed and counts as down. */
  moveTo(address: string): void {
    this.#address = address;
    this.#backOffMs = MIN_BACK_OFF_MS;
    if (this.#state.kind === 'up') this.#state.end.destroy(undefined);
    else {
      this.#leave();
      this.#state = this.#dial();
    }
  }

  /** Ends the link; its state is not reported any more. */
  close(): void {
    this.#leave();
    this.#state = { kind: 'closed' };
  }

  #leave(): void {
    const state = this.#state;
    if (state.kind === 'dialling') state.attempt.abandon();
    if (state.kind === 'waiting') this.#network.timeline.cancel(state.event);
    if (state.kind === 'up') {
      state.end.onClosed = () => undefined;
      state.end.close();
    }
  }

  #dial(): State {
    const request = {
      address: this.#address,
      purpose: 'messages',
      identity: this.#owner.handlers.identity(),
      expectedServer: this.#server,
    } as const;
    return {
      kind: 'dialling',
      attempt: dial(this.#network, this.#owner, request, (result) => this.#dialled(result)),
    };
  }

  #dialled(result: DialResult): void {
    const { handlers } = this.#owner;
    switch (result.kind) {
      case 'accepted':
        this.#backOffMs = MIN_BACK_OFF_MS;
        this.#state = { kind: 'up', end: result.end };
        result.end.onClosed = (error) => this.#becomeDown(causeOf(error));
        handlers.onPeerUp(this.#server);
        return;
      case 'refused':
        this.#becomeWaiting();
        handlers.onRefused(this.#server, result.reason);
        return;
      case 'failed':
        this.#becomeDown(result.cause);
        return;
    }
  }

  #becomeDown(cause: 'refused' | 'closed' | 'unreachable'): void {
    this.#becomeWaiting();
    this.#owner.handlers.onPeerDown(this.#server, cause);
  }

  #becomeWaiting(): void {
    const delayMs = this.#backOffMs * (1 - this.#network.draws.fraction() / 2);
    this.#backOffMs = Math.min(this.#backOffMs * 2, MAX_BACK_OFF_MS);
    const event = this.#network.timeline.schedule(delayMs, this.#owner.life, () => {
      this.#state = this.#dial();
    });
    this.#state = { kind: 'waiting', event };
  }
}

function causeOf(error: Error | undefined): 'closed' | 'unreachable' {
  return error instanceof CodedError && error.code === 'unreachable' ? 'unreachable' : 'closed';
}
