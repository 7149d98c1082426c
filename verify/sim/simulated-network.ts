// The network of one simulation: listeners and the connections between them.

import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type { Draws } from '../kit/draws.ts';
import type { ProcessLife } from './process-life.ts';
import { type ConnectionWorld, type Endpoint, SimulatedConnection } from './simulated-connection.ts';
import type { HostIndex, SimulatedLinks } from './simulated-links.ts';
import type { Timeline } from './timeline.ts';

/** Observes messages independently of the nodes. */
interface NetworkObserver {
  /** Called for every message that the process on `host` sends, whether or not it arrives. */
  onSend(host: HostIndex, to: ServerId, message: PeerMessage): void;
}

/** A process that accepts connections. */
export interface Listener {
  readonly life: ProcessLife;
  /** Called for a new connection. Its first item is a hello. */
  accept(end: Endpoint): void;
}

interface Host {
  readonly address: string;
  listener: Listener | undefined;
  /** A host without power does not answer, not even with a refusal. */
  isDown: boolean;
  readonly connections: Set<SimulatedConnection>;
}

export class SimulatedNetwork {
  readonly timeline: Timeline;
  readonly links: SimulatedLinks;
  readonly draws: Draws;
  readonly observer: NetworkObserver;
  readonly #hosts: readonly Host[];
  readonly #world: ConnectionWorld;

  /** Host i has the address `addresses[i]`. */
  constructor(
    addresses: readonly string[],
    world: { timeline: Timeline; links: SimulatedLinks; draws: Draws; observer: NetworkObserver },
  ) {
    this.timeline = world.timeline;
    this.links = world.links;
    this.draws = world.draws;
    this.observer = world.observer;
    this.#world = world;
    this.#hosts = addresses.map((address) => ({
      address,
      listener: undefined,
      isDown: false,
      connections: new Set(),
    }));
    this.links.onHealed = (from, to) => this.#healed(from, to);
  }

  /** `listener` accepts connections at the host's address until its process ends. */
  listen(host: HostIndex, listener: Listener): void {
    this.#host(host).listener = listener;
  }

  stopListening(host: HostIndex, listener: Listener): void {
    const there = this.#host(host);
    if (there.listener === listener) there.listener = undefined;
  }

  setDown(host: HostIndex, isDown: boolean): void {
    this.#host(host).isDown = isDown;
  }

  /** Called when the process of a host has ended in any way: its open connections break. */
  processEnded(host: HostIndex, life: ProcessLife): void {
    const there = this.#host(host);
    if (there.listener?.life === life) there.listener = undefined;
    for (const connection of [...there.connections]) {
      if (connection.dialler.life !== life && connection.acceptor.life !== life) continue;
      connection.processEnded(life, { isHostDown: there.isDown });
    }
  }

  /** Closes all connections of the process in order. */
  closeAll(host: HostIndex, life: ProcessLife): void {
    for (const { dialler, acceptor } of [...this.#host(host).connections]) {
      if (dialler.life === life) dialler.close();
      else if (acceptor.life === life) acceptor.close();
    }
  }

  /** The result of dialling a host now. */
  reach(from: HostIndex, address: string): 'accepts' | 'refuses' | 'silent' {
    const to = this.hostAt(address);
    if (to === undefined) return 'silent';
    const there = this.#host(to);
    if (there.isDown || this.links.isBlocked(from, to) || this.links.isBlocked(to, from)) return 'silent';
    return there.listener === undefined ? 'refuses' : 'accepts';
  }

  /** Returns the dialling end of a new connection; only when `reach` returns 'accepts'. */
  connect(from: { host: HostIndex; life: ProcessLife }, address: string): Endpoint | undefined {
    const to = this.hostAt(address);
    const listener = to === undefined ? undefined : this.#host(to).listener;
    if (to === undefined || listener === undefined) return undefined;
    const both = [this.#host(from.host), this.#host(to)];
    const connection: SimulatedConnection = new SimulatedConnection(this.#world, {
      dialler: from,
      acceptor: { host: to, life: listener.life },
      onEnd: () => {
        for (const host of both) host.connections.delete(connection);
      },
    });
    for (const host of both) host.connections.add(connection);
    listener.accept(connection.acceptor);
    return connection.dialler;
  }

  hostAt(address: string): HostIndex | undefined {
    const index = this.#hosts.findIndex((host) => host.address === address);
    return index === -1 ? undefined : index;
  }

  #healed(from: HostIndex, to: HostIndex): void {
    const other = this.#host(to);
    for (const connection of this.#host(from).connections) {
      if (other.connections.has(connection)) connection.healed(from);
    }
  }

  #host(index: HostIndex): Host {
    // `as`: hosts are numbered from 0.
    return this.#hosts[index] as Host;
  }
}
