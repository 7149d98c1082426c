// Majorities over the voters of one configuration.

/** The number of voters in a majority of `count`: more than half. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The highest value that a majority of `voters` has reached. 0 without voters: they agree on nothing. */
export function quorumValue(voters: readonly string[], reached: (voter: string) => number): number {
  if (voters.length === 0) return 0;
  const descending = voters.map(reached).sort((a, b) => b - a);
  return descending[majority(voters.length) - 1] ?? 0;
}

type VoteResult = 'won' | 'lost' | 'pending';

/** Counts the votes of voters. Votes of other servers are ignored. */
export function tallyVotes(voters: readonly string[], votes: ReadonlyMap<string, boolean>): VoteResult {
  const granted = voters.filter((voter) => votes.get(voter) === true).length;
  const refused = voters.filter((voter) => votes.get(voter) === false).length;
  if (voters.length > 0 && granted >= majority(voters.length)) return 'won';
  return voters.length - refused < majority(voters.length) ? 'lost' : 'pending';
}
