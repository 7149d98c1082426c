import fc from 'fast-check';
import { expect, test } from 'vitest';
import { majority, quorumValue, tallyVotes } from './quorum.ts';

const someVoters = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), {
  maxLength: 9,
});

/** Returns all sets of more than half of the voters. */
function majorities(voters: readonly string[]): string[][] {
  let subsets: string[][] = [[]];
  for (const voter of voters) subsets = subsets.flatMap((subset) => [subset, [...subset, voter]]);
  return subsets.filter((subset) => 2 * subset.length > voters.length);
}

test('the quorum value is the highest value that a majority has reached (trap 9)', () => {
  fc.assert(
    fc.property(someVoters, fc.array(fc.nat(5), { minLength: 9, maxLength: 9 }), (voters, values) => {
      const reached = (voter: string): number => values[voter.charCodeAt(0) - 97] ?? 0;
      const best = majorities(voters).map((subset) => Math.min(...subset.map(reached)));
      expect(quorumValue(voters, reached)).toBe(Math.max(0, ...best.filter(Number.isFinite)));
    }),
  );
});

test('any two majorities of configurations that differ in one voter share a server (dissertation §4.1)', () => {
  for (let count = 1; count <= 64; count++) {
    expect(2 * majority(count)).toBeGreaterThan(count);
    expect(majority(count) + majority(count + 1)).toBeGreaterThan(count + 1);
  }
});

test('an election is won by a majority of grants, and lost when no majority can grant any more', () => {
  const someVotes = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'x', 'y', 'z'), fc.boolean());
  fc.assert(
    fc.property(someVoters, someVotes, (voters, given) => {
      const votes = new Map(Object.entries(given));
      const all = majorities(voters);
      const isWon = all.some((subset) => subset.every((voter) => votes.get(voter) === true));
      const isOpen = all.some((subset) => subset.every((voter) => votes.get(voter) !== false));
      const expected = isWon ? 'won' : isOpen ? 'pending' : 'lost';
      expect(tallyVotes(voters, votes)).toBe(expected);
    }),
  );
});

test('without voters there is no quorum value and no election', () => {
  expect(quorumValue([], () => 9)).toBe(0);
  expect(tallyVotes([], new Map([['a', true]]))).toBe('lost');
});
