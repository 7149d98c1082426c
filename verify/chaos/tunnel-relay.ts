// The far end of every tunnel, in the hub. Packets of a bad link arrive here as datagrams, and go on late or
// not at all. This works with any kernel that has VXLAN; few small kernels have netem.

import dgram from 'node:dgram';
import type { Draws } from '../kit/draws.ts';
import type { LinkDamage, LinkQuality } from './network.ts';
import { completeChecksum, destinationOf } from './tunnel-frame.ts';

/** The port of VXLAN (RFC 7348). */
export const TUNNEL_PORT = 4789;
/** The bound of held packets; further packets are lost, as in a router. */
const MAX_HELD_PACKETS = 10_000;

export class TunnelRelay {
  readonly #socket = dgram.createSocket('udp4');
  readonly #draws: Draws;
  readonly #links = new Map<string, LinkQuality>();
  #held = 0;
  readonly #damage = { lost: 0, late: 0 };

  /** `address` is the remote end of all tunnels. */
  static async start(address: string, draws: Draws): Promise<TunnelRelay> {
    const relay = new TunnelRelay(draws);
    await new Promise<void>((resolve, reject) => {
      relay.#socket.once('error', reject);
      relay.#socket.bind(TUNNEL_PORT, address, resolve);
    });
    return relay;
  }

  private constructor(draws: Draws) {
    this.#draws = draws;
    this.#socket.on('message', (datagram, { address }) => this.#take(datagram, address));
  }

  /** Sets the quality of a link between two addresses. Undefined: packets are passed on at once. */
  set(from: string, to: string, quality: LinkQuality | undefined): void {
    if (quality === undefined) this.#links.delete(linkOf(from, to));
    else this.#links.set(linkOf(from, to), quality);
  }

  get damage(): LinkDamage {
    return this.#damage;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #take(datagram: Buffer, from: string): void {
    const to = destinationOf(datagram);
    if (to === undefined || this.#held >= MAX_HELD_PACKETS) return;
    const { lossShare, delayMs, jitterMs } = this.#links.get(linkOf(from, to)) ?? PERFECT;
    if (this.#draws.chance(lossShare)) {
      this.#damage.lost += 1;
      return;
    }
    if (delayMs + jitterMs > 0) this.#damage.late += 1;
    completeChecksum(datagram);
    this.#held += 1;
    setTimeout(() => {
      this.#held -= 1;
      this.#send(datagram, to);
    }, delayMs + this.#draws.between(0, jitterMs)).unref();
  }

  #send(datagram: Buffer, to: string): void {
    // An error means one more lost packet: the node or the socket is gone.
    this.#socket.send(datagram, TUNNEL_PORT, to, () => {});
  }
}

const PERFECT: LinkQuality = { lossShare: 0, delayMs: 0, jitterMs: 0 };

function linkOf(from: string, to: string): string {
  return `${from}>${to}`;
}
