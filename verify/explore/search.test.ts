import { describe, expect, test } from 'vitest';
import { emptyCluster, NO_EVENTS } from './scenario.ts';
import { FIGURE_8, searched, TWO_REMOVALS } from './scenarios.ts';
import { Search } from './search.ts';

const UNBOUNDED = { maxStates: 500_000, isTimeUp: () => false };

describe('the core', () => {
  test.each([
    [2, { ...NO_EVENTS, timeOuts: 2, crashes: 1, proposals: 1, duplicates: 1 }, 14],
    [3, { ...NO_EVENTS, timeOuts: 2, crashes: 1, proposals: 1, drops: 1 }, 9],
    [3, { ...NO_EVENTS, timeOuts: 2, crashes: 1, changes: 1 }, 9],
  ] as const)('with %i servers and %o is safe in every order to depth %i', (servers, budget, depth) => {
    const result = new Search(emptyCluster(servers, budget)).run({ depth, ...UNBOUNDED });
    expect(result).toMatchObject({ end: 'depth', depth, violation: undefined });
  });

  test('is safe in every order after figure 8', () => {
    expect(searched(FIGURE_8)).toMatchObject({ end: 'depth', violation: undefined });
  });

  test('refuses a second membership change in every order while the first is uncommitted', () => {
    expect(searched(TWO_REMOVALS)).toMatchObject({ end: 'depth', violation: undefined });
  });
});

describe('the search', () => {
  test('reaches a leader and a commit, and ends when the budget is exhausted', () => {
    const result = new Search(emptyCluster(2, { ...NO_EVENTS, timeOuts: 1 })).run({
      depth: 60,
      ...UNBOUNDED,
    });
    expect(result).toMatchObject({ end: 'exhausted', mostCommitted: 1, latestTerm: 1 });
  });

  test('is deterministic', () => {
    const run = () =>
      new Search(emptyCluster(3, { ...NO_EVENTS, timeOuts: 2 })).run({ depth: 9, ...UNBOUNDED });
    expect(run()).toEqual(run());
  });

  test('merges states that differ only in the names of servers', () => {
    const scenario = emptyCluster(3, { ...NO_EVENTS, timeOuts: 2 });
    const [identity] = scenario.renamings;
    if (identity === undefined) throw new Error('a scenario lacks the identity');
    const merged = new Search(scenario).run({ depth: 8, ...UNBOUNDED });
    const apart = new Search({ ...scenario, renamings: [identity] }).run({ depth: 8, ...UNBOUNDED });
    expect(scenario.renamings).toHaveLength(6);
    expect(apart.states).toBeGreaterThan(3 * merged.states);
    expect(apart.states).toBeLessThanOrEqual(6 * merged.states);
  });
});
