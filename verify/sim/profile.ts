// The world of one seed: number of nodes, speeds, bounds, and the quality of its network and disks.

import { DEFAULT_LIMITS, type RaftLimits } from '../../src/engines/raft/node/options.ts';
import type { Draws } from '../kit/draws.ts';
import type { ClientProfile } from './clients.ts';
import type { FaultProfile } from './faults.ts';
import type { DiskProfile } from './simulated-disk.ts';
import type { NodeProfile } from './simulated-host.ts';
import type { NetworkProfile } from './simulated-links.ts';

export interface WorldProfile {
  readonly hosts: number;
  /** Hosts that are members from the start. */
  readonly members: number;
  /** From the first start until the faults end. */
  readonly durationMs: number;
  readonly node: NodeProfile;
  readonly network: NetworkProfile;
  readonly disk: DiskProfile;
  readonly clients: ClientProfile;
  readonly faults: FaultProfile;
}

const MAX_HOSTS = 7;

export function drawProfile(draws: Draws, { durationMs }: { durationMs: number }): WorldProfile {
  const hosts = draws.chance(0.6) ? draws.integer(3, 5) : draws.integer(1, MAX_HOSTS);
  const members = draws.chance(0.7) ? hosts : draws.integer(1, hosts);
  return {
    hosts,
    members,
    durationMs,
    node: drawNode(draws),
    network: drawNetwork(draws),
    disk: {
      minWriteMs: draws.between(0.02, 1),
      meanWriteMs: draws.between(0.05, draws.chance(0.2) ? 20 : 2),
      earlyVisibility: draws.pick([0, 0.5, 1]),
    },
    clients: {
      clients: draws.integer(1, 10),
      workcells: draws.integer(1, 4),
      meanThinkMs: draws.chance(0.3) ? draws.between(1, 10) : draws.between(10, 150),
      readWeight: draws.pick([2, 6, 20]),
      minPatienceMs: draws.between(50, 500),
      maxPatienceMs: draws.between(500, 6_000),
      keyedChance: draws.pick([0, 0.7, 0.7, 1]),
      maxAttempts: draws.integer(1, 10),
    },
    // Some worlds have almost continuous faults: there logs diverge and terms change fast.
    faults: {
      ...(draws.chance(0.3)
        ? { meanGapMs: draws.between(30, 200), meanDurationMs: draws.between(20, 400) }
        : { meanGapMs: draws.between(150, 2_500), meanDurationMs: draws.between(50, 3_000) }),
      fromMs: draws.between(0, 2_000),
      untilMs: durationMs,
    },
  };
}

function drawNode(draws: Draws): NodeProfile {
  const tickMs = draws.between(10, 30);
  const heartbeatTicks = draws.integer(1, 3);
  const electionTicks = heartbeatTicks * draws.integer(4, 10);
  const removesDead = draws.chance(0.3);
  const limits = drawLimits(draws);
  return {
    tickMs,
    heartbeatTicks,
    electionTicks,
    removeDeadAfterMs: removesDead ? draws.between(1_500, 6_000) : 0,
    newMemberGraceMs: draws.between(0, 2_000),
    minVoters: draws.integer(2, 3),
    limits: {
      ...limits,
      // A change waits up to two election timeouts for an old incarnation to be silent. It must not time out
      // before.
      memberChangeTimeoutMs: limits.memberChangeTimeoutMs + 3 * electionTicks * tickMs,
    },
  };
}

/** Mostly tiny, so that rare events happen often. */
function drawLimits(draws: Draws): RaftLimits {
  const isTiny = draws.chance(0.8);
  if (!isTiny) return DEFAULT_LIMITS;
  return {
    ...DEFAULT_LIMITS,
    maxAppendBytes: draws.integer(1, 4_000),
    maxApplyBytes: draws.integer(1, 4_000),
    maxUncommittedBytes: draws.integer(1_000, 100_000),
    maxWaitingProposals: draws.integer(2, 100),
    leaderWaitMs: draws.between(300, 3_000),
    proposalTimeoutMs: draws.between(500, 8_000),
    resendAfterMs: draws.between(100, 1_000),
    maxWaitingReads: draws.integer(2, 100),
    compactAfterEntries: draws.integer(2, 100),
    compactAfterBytes: draws.integer(1_000, 20_000),
    keepEntries: draws.integer(0, 20),
    flushStateAfterMs: draws.between(0, 250),
    flushStateBytes: draws.integer(100, 10_000),
    snapshotChunkBytes: draws.integer(50, 2_000),
    snapshotTimeoutMs: draws.between(500, 5_000),
    promotionLagEntries: draws.integer(0, 50),
    memberChangeTimeoutMs: draws.between(1_000, 15_000),
  };
}

function drawNetwork(draws: Draws): NetworkProfile {
  const isDatagram = draws.chance(0.4);
  const isBad = draws.chance(0.5);
  return {
    minDelayMs: draws.between(0.05, 1),
    meanJitterMs: draws.between(0.05, isBad ? 10 : 1),
    spikeChance: isBad ? draws.between(0, 0.02) : 0,
    spikeMs: draws.between(10, 500),
    cutChance: isBad ? draws.between(0, 0.002) : 0,
    isDatagram,
    lossChance: draws.between(0, isBad ? 0.2 : 0.02),
    duplicateChance: draws.between(0, isBad ? 0.1 : 0.01),
    reorderChance: draws.between(0, isBad ? 0.5 : 0.05),
    codecChance: 0.05,
    maxQueuedMessages: draws.pick([8, 64, 1_024]),
  };
}
