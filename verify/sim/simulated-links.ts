// The links between hosts: how long an item takes from one to another, and which directions are cut.

import type { Draws } from '../kit/draws.ts';

/** The network of one simulation. Times in ms, chances per message. */
export interface NetworkProfile {
  readonly minDelayMs: number;
  /** Mean delay on top of the minimum. */
  readonly meanJitterMs: number;
  /** Chance of a message that takes up to `spikeMs` longer. */
  readonly spikeChance: number;
  readonly spikeMs: number;
  /** Chance that a connection breaks and loses the items in flight. */
  readonly cutChance: number;
  /**
   * Consensus messages are lost, duplicated and reordered one by one, and connections survive partitions.
   * This is worse than TCP, and the core must tolerate it. Other messages keep the guarantees of the
   * Transport port.
   */
  readonly isDatagram: boolean;
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly reorderChance: number;
  /** Chance that a message is encoded and decoded on the way. */
  readonly codecChance: number;
  /** Most messages in flight on one connection; further ones are refused. */
  readonly maxQueuedMessages: number;
}

/** A host's number in the network. */
export type HostIndex = number;

const CALM_JITTER_MS = 1;

interface Direction {
  isBlocked: boolean;
  blockedSinceMs: number;
  extraDelayMs: number;
}

export class SimulatedLinks {
  #profile: NetworkProfile;
  readonly #draws: Draws;
  readonly #nowMs: () => number;
  readonly #directions: Direction[][];
  /** Called when a direction is open again. Items that waited at the cut may continue. */
  onHealed: (from: HostIndex, to: HostIndex) => void = () => undefined;

  constructor(
    profile: NetworkProfile,
    { hosts, draws, nowMs }: { hosts: number; draws: Draws; nowMs: () => number },
  ) {
    this.#profile = profile;
    this.#draws = draws;
    this.#nowMs = nowMs;
    this.#directions = Array.from({ length: hosts }, () =>
      Array.from({ length: hosts }, () => ({ isBlocked: false, blockedSinceMs: 0, extraDelayMs: 0 })),
    );
  }

  get profile(): NetworkProfile {
    return this.#profile;
  }

  /** Stops losses and long delays: progress in bounded time is expected of a good network only. */
  calmDown(): void {
    this.#healAll();
    this.#profile = {
      ...this.#profile,
      meanJitterMs: Math.min(this.#profile.meanJitterMs, CALM_JITTER_MS),
      spikeChance: 0,
      cutChance: 0,
      lossChance: 0,
      duplicateChance: 0,
      reorderChance: 0,
    };
  }

  /** Draws the travel time of the next item from one host to another. */
  travelMs(from: HostIndex, to: HostIndex): number {
    const { minDelayMs, meanJitterMs, spikeChance, spikeMs } = this.#profile;
    const spike = this.#draws.chance(spikeChance) ? this.#draws.fraction() * spikeMs : 0;
    return (
      minDelayMs + this.#draws.exponential(meanJitterMs) + spike + this.#direction(from, to).extraDelayMs
    );
  }

  isBlocked(from: HostIndex, to: HostIndex): boolean {
    return this.#direction(from, to).isBlocked;
  }

  /** Whether a direction between the two hosts has been cut without a break since `sinceMs`. */
  isBlockedSince(a: HostIndex, b: HostIndex, sinceMs: number): boolean {
    return [this.#direction(a, b), this.#direction(b, a)].some(
      ({ isBlocked, blockedSinceMs }) => isBlocked && blockedSinceMs <= sinceMs,
    );
  }

  block(from: HostIndex, to: HostIndex): void {
    const direction = this.#direction(from, to);
    if (direction.isBlocked) return;
    direction.isBlocked = true;
    direction.blockedSinceMs = this.#nowMs();
  }

  unblock(from: HostIndex, to: HostIndex): void {
    const direction = this.#direction(from, to);
    if (!direction.isBlocked) return;
    direction.isBlocked = false;
    this.onHealed(from, to);
  }

  slowDown(from: HostIndex, to: HostIndex, extraDelayMs: number): void {
    this.#direction(from, to).extraDelayMs = extraDelayMs;
  }

  /** Opens every direction and removes extra delays. */
  #healAll(): void {
    for (const [from, row] of this.#directions.entries()) {
      for (const [to, direction] of row.entries()) {
        direction.extraDelayMs = 0;
        this.unblock(from, to);
      }
    }
  }

  #direction(from: HostIndex, to: HostIndex): Direction {
    // `as`: hosts are numbered from 0, and this runs for every message.
    return (this.#directions[from] as Direction[])[to] as Direction;
  }
}
