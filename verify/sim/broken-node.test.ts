// The simulator is useful only if it finds a broken node.

import { expect, test, vi } from 'vitest';
import { simulate } from './simulation.ts';

/** Takes half for a majority: one server of two, two of four. */
vi.mock('../../src/engines/raft/core/quorum.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/engines/raft/core/quorum.ts')>();
  const tooFew = (count: number): number => Math.max(1, Math.floor(count / 2));
  return {
    ...original,
    majority: tooFew,
    quorumValue: (voters: readonly string[], reached: (voter: string) => number): number => {
      const descending = voters.map(reached).sort((a, b) => b - a);
      return descending[tooFew(voters.length) - 1] ?? 0;
    },
  };
});

const MAX_SEEDS = 10;

test('a node that takes half of the voters for a majority is found within a few seeds', () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= MAX_SEEDS; seed += 1) {
    for (const { property } of simulate({ seed, durationMs: 5_000 }).violations) found.add(property);
  }
  expect(found).toContain('committed means durable on a majority');
});
