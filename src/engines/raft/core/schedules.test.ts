import { describe, expect, test } from 'vitest';
import { present } from '../../../shared/assert.ts';
import type { TestCluster } from './testing/cluster.ts';
import { TestSchedule } from './testing/schedule.ts';
import type { TestServer } from './testing/server.ts';

const SEEDS = 500;
const STEPS = 400;
const MAX_TICKS_TO_REST = 500;

/** Runs until all members have applied a command that is proposed now. Returns the leader. */
function comeToRest(cluster: TestCluster): TestServer {
  const isDone = (): boolean => {
    const { leader } = cluster;
    if (leader === undefined) return false;
    const last = `last in ${leader.core.term}`;
    if (!leader.commands.includes(last)) {
      cluster.propose(leader.id, last);
      return false;
    }
    const members = leader.core.configuration.members.map(({ server }) => cluster.server(server));
    return members.every(({ applied }) => applied.length === leader.applied.length);
  };
  cluster.runUntil(isDone, MAX_TICKS_TO_REST);
  return present(cluster.leader, 'there is a leader');
}

/** Runs one seed, and returns how far it got. Safety is checked after every step. */
function run(seed: number): { committed: number; changes: number; snapshots: number; terms: number } {
  const schedule = new TestSchedule(seed);
  const { cluster } = schedule;
  for (let i = 0; i < STEPS; i++) schedule.step();
  schedule.calmDown();
  const { core, applied } = comeToRest(cluster);
  for (const { server } of core.configuration.members)
    expect(cluster.server(server).applied).toEqual(applied);
  return {
    committed: core.commitIndex,
    changes: applied.filter((entry) => entry.includes('=voter')).length,
    snapshots: cluster.running.flatMap(({ writes }) => writes).filter(({ snapshot }) => snapshot).length,
    terms: core.term,
  };
}

describe('random schedules of messages, time, crashes, slow disks, cuts, snapshots and membership changes', () => {
  const totals = { committed: 0, changes: 0, snapshots: 0, terms: 0 };

  test(`${SEEDS} of them keep the properties of figure 3, and the cluster recovers when the faults end`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const reached = run(seed);
        for (const key of ['committed', 'changes', 'snapshots', 'terms'] as const)
          totals[key] += reached[key];
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  });

  test('the schedules commit entries, change members, elect leaders and send snapshots', () => {
    expect(totals.committed / SEEDS).toBeGreaterThan(20);
    expect(totals.changes / SEEDS).toBeGreaterThan(2);
    expect(totals.terms / SEEDS).toBeGreaterThan(4);
    expect(totals.snapshots / SEEDS).toBeGreaterThan(0.3);
  });
});
