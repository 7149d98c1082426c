// One connection between two processes with the properties of TCP: items arrive in order and late, or are
// lost when the connection breaks. A profile may remove the order from consensus messages.

import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type { PeerIdentity, RefusalReason } from '../../src/engines/raft/node/ports/transport.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { Draws } from '../kit/draws.ts';
import type { ProcessLife } from './process-life.ts';
import type { HostIndex, SimulatedLinks } from './simulated-links.ts';
import type { Timeline } from './timeline.ts';

export type WireItem =
  | {
      readonly kind: 'hello';
      readonly purpose: 'messages' | 'channel' | 'probe';
      readonly identity: PeerIdentity;
      readonly expectedServer: ServerId | undefined;
    }
  | { readonly kind: 'accepted'; readonly identity: PeerIdentity }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'message'; readonly message: PeerMessage }
  | { readonly kind: 'frame'; readonly frame: Uint8Array };

/** A connection across a cut link breaks after this time. */
const GIVE_UP_AFTER_MS = 3_000;
/** Chance that the last items of a dying process never left its host. */
const LOST_WITH_PROCESS = 0.5;

export interface ConnectionWorld {
  readonly timeline: Timeline;
  readonly links: SimulatedLinks;
  readonly draws: Draws;
}

export class Endpoint {
  readonly host: HostIndex;
  readonly life: ProcessLife;
  onItem: (item: WireItem) => void = () => undefined;
  /** Called once; with an error unless the connection was closed in order. */
  onClosed: (error: Error | undefined) => void = () => undefined;
  readonly #connection: SimulatedConnection;
  /** No item is sent or taken here any more. */
  isClosing = false;
  isClosed = false;
  /** Items sent from here and not yet taken at the other end. */
  inFlight = 0;
  lastArrivalMs = 0;
  /** Items that reached a cut link and wait until it heals. */
  held: { readonly arrive: () => void; readonly life: ProcessLife | undefined }[] = [];

  constructor(connection: SimulatedConnection, owner: { host: HostIndex; life: ProcessLife }) {
    this.#connection = connection;
    this.host = owner.host;
    this.life = owner.life;
  }

  /** Returns false, and sends nothing, when the connection is closing or its queue is full. */
  send(item: WireItem): boolean {
    return this.#connection.send(this, item);
  }

  /** Closes in order: items in flight still arrive. */
  close(): void {
    this.#connection.close(this);
  }

  /** Breaks the connection at once: items in flight are lost. `error` is reported at this end. */
  destroy(error: Error | undefined): void {
    this.#connection.destroy(this, error);
  }
}

export class SimulatedConnection {
  readonly dialler: Endpoint;
  readonly acceptor: Endpoint;
  readonly #world: ConnectionWorld;
  readonly #onEnd: () => void;
  #isWatched = false;

  constructor(
    world: ConnectionWorld,
    ends: {
      dialler: { host: HostIndex; life: ProcessLife };
      acceptor: { host: HostIndex; life: ProcessLife };
      /** Called when both ends are closed. */
      onEnd: () => void;
    },
  ) {
    this.#world = world;
    this.#onEnd = ends.onEnd;
    this.dialler = new Endpoint(this, ends.dialler);
    this.acceptor = new Endpoint(this, ends.acceptor);
  }

  send(from: Endpoint, item: WireItem): boolean {
    const { profile } = this.#world.links;
    const { draws } = this.#world;
    if (from.isClosing || !from.life.isAlive) return false;
    if (item.kind === 'message' && from.inFlight >= profile.maxQueuedMessages) return false;
    if (draws.chance(profile.cutChance)) {
      // The caller is told later, in an event of its own.
      this.#world.timeline.schedule(0, undefined, () =>
        this.cut(new CodedError('reset', 'connection reset')),
      );
    }
    if (profile.isDatagram && isConsensus(item)) {
      if (draws.chance(profile.lossChance)) return true;
      if (draws.chance(profile.duplicateChance)) this.#dispatch(from, item, { isOrdered: false });
      this.#dispatch(from, item, { isOrdered: !draws.chance(profile.reorderChance) });
    } else this.#dispatch(from, item, { isOrdered: true });
    return true;
  }

  close(end: Endpoint): void {
    if (end.isClosing) return;
    end.isClosing = true;
    const other = this.#otherEnd(end);
    this.#travel(end, () => {
      this.#closeEnd(other, undefined);
      this.#travel(other, () => this.#closeEnd(end, undefined));
    });
  }

  destroy(end: Endpoint, error: Error | undefined): void {
    if (end.isClosed) return;
    end.isClosing = true;
    const other = this.#otherEnd(end);
    other.held = [];
    end.held = [];
    this.#world.timeline.schedule(0, undefined, () => this.#closeEnd(end, error));
    this.#travel(end, () =>
      this.#closeEnd(other, new CodedError('reset', 'the other side reset the connection')),
    );
  }

  /** Breaks the connection at both ends. */
  cut(error: Error): void {
    this.dialler.held = [];
    this.acceptor.held = [];
    this.#closeEnd(this.dialler, error);
    this.#closeEnd(this.acceptor, error);
  }

  /** Called when the process at one end dies. Its system resets the connection, unless the host died too. */
  processEnded(life: ProcessLife, options: { isHostDown: boolean }): void {
    const end = this.dialler.life === life ? this.dialler : this.acceptor;
    const other = this.#otherEnd(end);
    end.isClosing = true;
    end.isClosed = true;
    const { timeline, draws } = this.#world;
    if (options.isHostDown || draws.chance(LOST_WITH_PROCESS)) {
      end.held = [];
      // Items in flight arrive at a closed connection.
      if (!options.isHostDown) this.#closeEnd(other, new CodedError('reset', 'the process is gone'));
    }
    const error = new CodedError(options.isHostDown ? 'unreachable' : 'reset', 'the other side is gone');
    if (options.isHostDown)
      timeline.schedule(GIVE_UP_AFTER_MS, undefined, () => this.#closeEnd(other, error));
    else this.#travel(end, () => this.#closeEnd(other, error));
    this.#maybeEnd();
  }

  /** Called when a direction that was cut is open again. */
  healed(from: HostIndex): void {
    for (const end of [this.dialler, this.acceptor]) {
      if (end.host !== from || end.held.length === 0) continue;
      const held = end.held;
      end.held = [];
      for (const { arrive, life } of held) this.#schedule(end, arrive, { isOrdered: true, life });
    }
  }

  #dispatch(from: Endpoint, item: WireItem, options: { isOrdered: boolean }): void {
    from.inFlight += 1;
    const to = this.#otherEnd(from);
    const { links } = this.#world;
    const arrive = (): void => {
      if (links.isBlocked(from.host, to.host)) {
        if (links.profile.isDatagram && isConsensus(item)) from.inFlight -= 1;
        else this.#hold(from, arrive, to.life);
        return;
      }
      if (links.isBlocked(to.host, from.host) && !links.profile.isDatagram) this.#watch();
      from.inFlight -= 1;
      if (!to.isClosing) to.onItem(item);
    };
    this.#schedule(from, arrive, { ...options, life: to.life });
  }

  /** Sends the end of the connection behind the items in flight. */
  #travel(from: Endpoint, action: () => void): void {
    const to = this.#otherEnd(from);
    const arrive = (): void => {
      if (this.#world.links.isBlocked(from.host, to.host)) this.#hold(from, arrive, undefined);
      else action();
    };
    this.#schedule(from, arrive, { isOrdered: true, life: undefined });
  }

  #schedule(
    from: Endpoint,
    arrive: () => void,
    { isOrdered, life }: { isOrdered: boolean; life: ProcessLife | undefined },
  ): void {
    const { timeline, links } = this.#world;
    const arrivalMs = timeline.nowMs + links.travelMs(from.host, this.#otherEnd(from).host);
    const inOrderMs = isOrdered ? Math.max(arrivalMs, from.lastArrivalMs) : arrivalMs;
    if (isOrdered) from.lastArrivalMs = inOrderMs;
    timeline.scheduleAt(inOrderMs, life, arrive);
  }

  #hold(from: Endpoint, arrive: () => void, life: ProcessLife | undefined): void {
    from.held.push({ arrive, life });
    this.#watch();
  }

  /** Breaks the connection when a link stays cut for too long. */
  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { timeline, links } = this.#world;
    const sinceMs = timeline.nowMs;
    timeline.schedule(GIVE_UP_AFTER_MS, undefined, () => {
      this.#isWatched = false;
      if (!links.isBlockedSince(this.dialler.host, this.acceptor.host, sinceMs)) return;
      this.cut(new CodedError('unreachable', 'nothing is heard from the other side'));
    });
  }

  #closeEnd(end: Endpoint, error: Error | undefined): void {
    if (end.isClosed) return;
    end.isClosing = true;
    end.isClosed = true;
    this.#world.timeline.schedule(0, end.life, () => end.onClosed(error));
    // An end that is told of the close closes as well.
    this.#maybeEnd();
  }

  #maybeEnd(): void {
    if (this.dialler.isClosed && this.acceptor.isClosed) this.#onEnd();
  }

  #otherEnd(end: Endpoint): Endpoint {
    return end === this.dialler ? this.acceptor : this.dialler;
  }
}

/** Consensus messages are repeated, so they may be lost while the connection lasts. */
function isConsensus(item: WireItem): boolean {
  return item.kind === 'message' && item.message.kind === 'raft';
}
