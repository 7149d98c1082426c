// The report of a run, and its text.

import type { Violation } from '../kit/violations.ts';
import type { FaultTally } from './fault-context.ts';
import type { LinkDamage } from './network.ts';

export interface Report extends Readonly<FaultTally> {
  readonly seed: number;
  readonly nodes: number;
  readonly network: string;
  readonly linkDamage: LinkDamage;
  readonly disks: string;
  readonly faultsMs: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly operations: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** Attempts that were refused because a disk was full. */
  readonly refusedForRoom: number;
  readonly unknown: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly staleReads: number;
  /** Workcells whose history was too hard to judge. */
  readonly undecided: number;
  readonly workcells: number;
  readonly longestLeaderlessMs: number;
  readonly failoversMs: readonly number[];
  /** From the end of the last fault until every node was well and accepted a write. */
  readonly recoveryMs: number;
  readonly violations: readonly Violation[];
}

/** The bound of shown violations; the report has the number of all. */
const MAX_SHOWN = 10;

export function formatReport(report: Report): string {
  const faults = [...report.faults].sort(([a], [b]) => (a < b ? -1 : 1));
  const total = faults.reduce((sum, [, count]) => sum + count, 0);
  const lines = [
    `${report.nodes} nodes, ${(report.faultsMs / 60_000).toFixed(1)} minutes of faults, seed ${report.seed}`,
    `network: ${report.network}`,
    `disks: ${report.disks}`,
    `faults: ${total}`,
    ...faults.map(([kind, count]) => `  ${kind}: ${count}`),
    `on bad links: ${report.linkDamage.lost} lost, ${report.linkDamage.late} late`,
    `removals: ${report.removals}`,
    `joins: ${formatTimes(report.joinsMs)}`,
    `damaged files refused: ${report.damageFound}, harmless: ${report.damageHarmless}`,
    `operations: ${report.operations}`,
    `writes acknowledged: ${report.acknowledged}`,
    `writes refused by a rule: ${report.refused}`,
    `attempts refused for a full disk: ${report.refusedForRoom}`,
    `writes of unknown end: ${report.unknown}`,
    `lost: ${report.lost}`,
    `duplicated: ${report.duplicated}`,
    `stale reads: ${report.staleReads}`,
    `histories judged: ${report.workcells - report.undecided} of ${report.workcells}`,
    `longest time without a leader while a quorum was healthy: ${Math.round(report.longestLeaderlessMs)} ms`,
    `failovers: ${formatTimes(report.failoversMs)}`,
    `every node well after the last fault: ${Math.round(report.recoveryMs)} ms`,
    ...report.violations
      .slice(0, MAX_SHOWN)
      .map(({ property, message }) => `VIOLATED: ${property}: ${message}`),
    report.violations.length === 0 ? 'nothing violated' : `${report.violations.length} violations`,
  ];
  return lines.join('\n');
}

function formatTimes(timesMs: readonly number[]): string {
  if (timesMs.length === 0) return 'none';
  const at = (share: number): string => `${Math.round(percentile(timesMs, share))} ms`;
  return `${timesMs.length}, median ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`;
}

/** Returns the value of nearest rank for a share of 0 to 1. NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
