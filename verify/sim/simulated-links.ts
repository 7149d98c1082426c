// The wires between hosts: how long something takes from one to another, and which directions are cut.

import type { Draws } from './draws.ts';

/** What the network of one simulation is like. Times in ms, chances for each message. */
export interface NetworkProfile {
  readonly minDelayMs: number;
  /** On top of the minimum, on average. */
  readonly meanJitterMs: number;
  /** A message that takes much longer than the others … */
  readonly spikeChance: number;
  readonly spikeMs: number;
  /** A connection breaks, and what is on its way is lost. */
  readonly cutChance: number;
  /**
   * Consensus messages are lost, repeated and overtaken one by one, and connections outlast partitions: worse than
   * TCP, and the core must stand it. What nodes carry for each other keeps the promises of the Transport port.
   */
  readonly isDatagram: boolean;
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly reorderChance: number;
  /** Messages that pass through their bytes on the way. */
  readonly codecChance: number;
  /** Messages on their way on one connection; more are not taken. */
  readonly maxQueuedMessages: number;
}

/** A host's place in the network. */
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
  /** What held something back at a cut may let it go. */
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

  /** Nothing is lost or late any more: what must happen in bounded time is asked of a good network only. */
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

  /** How long the next thing takes from one host to another. */
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

  /** Whether a direction between the two, either, has been cut all the time since `sinceMs`. */
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

  /** Every direction is open and as fast as at first. */
  #healAll(): void {
    for (const [from, row] of this.#directions.entries()) {
      for (const [to, direction] of row.entries()) {
        direction.extraDelayMs = 0;
        this.unblock(from, to);
      }
    }
  }

  #direction(from: HostIndex, to: HostIndex): Direction {
    // `as`: hosts are numbered from 0, and this is asked for every message.
    return (this.#directions[from] as Direction[])[to] as Direction;
  }
}
