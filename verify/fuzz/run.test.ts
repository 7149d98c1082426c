import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from './check-property.ts';
import { Finding, type Idea, type Round } from './idea.ts';
import { formatReport } from './report.ts';
import { runIdeas } from './run.ts';

function ideaOf(name: string, run: (round: Round) => void): Idea {
  return {
    target: 'flags',
    name,
    weight: 1,
    roundCases: 100,
    async run(round) {
      run(round);
      round.tally.count('flags', { idea: name, kind: 'k', outcome: 'fine', times: round.cases });
    },
  };
}

test('each idea gets its share of the cases, and the same seed gives the same rounds', async () => {
  const rounds: string[] = [];
  const ideas = ['a', 'b'].map((name) =>
    ideaOf(name, ({ seed, cases }) => rounds.push(`${name} ${seed} ${cases}`)),
  );
  const { tally, found } = await runIdeas(ideas, { budget: { kind: 'cases', cases: 500 }, seed: 3 });
  expect([tally.cases, found]).toEqual([500, []]);
  const first = [...rounds];
  await runIdeas(ideas, { budget: { kind: 'cases', cases: 500 }, seed: 3 });
  expect(rounds.slice(first.length)).toEqual(first);
});

test('a finding is shrunk and reported with the command that repeats it, and the other ideas go on', async () => {
  const picky = ideaOf('picky', ({ seed, cases }) => {
    checkProperty({ seed, runs: cases, arbitrary: fc.nat({ max: 1_000 }) }, (value) => {
      if (value > 41) throw new Finding('too much');
    });
  });
  const outcome = await runIdeas([picky, ideaOf('calm', () => undefined)], {
    budget: { kind: 'cases', cases: 400 },
    seed: 9,
  });
  expect(outcome.found).toHaveLength(1);
  const report = formatReport(outcome, 9);
  expect(report).toContain('too much');
  expect(report).toMatch(/the smallest case \(shrunk \d+ times\): 42/);
  expect(report).toContain('npm run fuzz -- --only flags --idea picky --seed 9 --cases 100');
  expect(report).toContain('1 found');
  const calm = outcome.tally.rows.filter(({ idea }) => idea === 'calm');
  expect(calm.map(({ outcomes }) => outcomes.get('fine'))).toEqual([200]);
});

test('an unexpected error is a finding too', async () => {
  const broken = ideaOf('broken', () => {
    throw new TypeError('x is not a function');
  });
  const { found } = await runIdeas([broken], { budget: { kind: 'cases', cases: 100 }, seed: 1 });
  expect(found).toEqual([
    expect.objectContaining({ message: expect.stringContaining('x is not a function') }),
  ]);
});
