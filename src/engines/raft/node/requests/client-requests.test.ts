import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../options.ts';
import { TestClock } from '../testing/clock.ts';
import { testOptions } from '../testing/cluster.ts';
import { ClientRequests } from './client-requests.ts';

function createRequests({ boots = 1, electionTicks = 10 } = {}) {
  const clock = new TestClock();
  const membership = { takesPart: true };
  const asked = { reads: [] as number[], memberChanges: [] as number[] };
  const answers: unknown[] = [];
  const limits = { ...DEFAULT_LIMITS, maxWaitingProposals: 1, maxWaitingReads: 1 };
  const requests = new ClientRequests(
    {
      clock,
      membership,
      replica: {
        appliedIndex: 0,
        core: {
          readIndex: (requestId) => {
            asked.reads.push(requestId);
          },
        },
        schedule: () => undefined,
      },
      carrier: {
        sendProposals: () => 'taken',
        sendMemberChange: (requestId) => asked.memberChanges.push(requestId) > 0,
      },
    },
    {
      identity: { server: 'a@1', clusterId: 'ours', boots },
      options: testOptions('a', { limits, electionTicks }),
    },
  );
  const parts = [requests.proposals, requests.reads, requests.memberChanges];
  const askAll = (): void => {
    requests.propose(new Uint8Array(1), (outcome) => answers.push(outcome));
    requests.readBarrier((outcome) => answers.push(outcome));
    requests.changeMembers({ kind: 'remove', node: 'c' }, (outcome) => answers.push(outcome));
  };
  return { clock, membership, requests, parts, asked, answers, askAll };
}

test.each([
  ['stops', 'stopped', ({ requests }: ReturnType<typeof createRequests>) => requests.close()],
  [
    'is not a member',
    'no-leader',
    ({ membership }: ReturnType<typeof createRequests>) => {
      membership.takesPart = false;
    },
  ],
] as const)('a node that %s refuses every request as %s, never inside the call', (_, refusal, change) => {
  const node = createRequests();
  const { clock, answers, askAll } = node;
  change(node);
  askAll();
  expect(answers).toEqual([]);
  clock.settle();
  const refused = { kind: 'refused', reason: refusal };
  expect(answers).toEqual([refused, refused, { kind: 'no-leader' }]);
});

test('a request above the bound is refused, never inside the call (trap 36)', () => {
  const { clock, requests, answers, askAll } = createRequests();
  askAll();
  for (let more = 0; more < 63; more++) {
    requests.changeMembers({ kind: 'remove', node: 'c' }, () => undefined);
  }
  clock.settle();
  expect(answers).toEqual([]);
  askAll();
  expect(answers).toEqual([]);
  clock.settle();
  const busy = { kind: 'refused', reason: 'too-busy' };
  expect(answers).toMatchObject([busy, busy, { kind: 'refused', code: 'too_busy' }]);
});

test('a stop answers every waiting request', () => {
  const { parts, answers, askAll } = createRequests();
  askAll();
  for (const part of parts) part.onStop();
  expect(answers).toHaveLength(3);
});

test('a read whose request was lost is repeated before its deadline, however long an election may take', () => {
  const { clock, requests, parts, asked, answers } = createRequests({ electionTicks: 100_000 });
  const tickFor = (ms: number): void => {
    for (const end = clock.now() + ms; clock.now() < end; ) {
      clock.advance(100);
      for (const part of parts) part.onTick();
      requests.reads.beforeRound();
    }
  };
  requests.readBarrier((outcome) => answers.push(outcome));
  tickFor(DEFAULT_LIMITS.resendAfterMs + 200);
  expect(new Set(asked.reads).size).toBe(2);
  expect(answers).toEqual([]);
  tickFor(DEFAULT_LIMITS.leaderWaitMs);
  expect(answers).toEqual([{ kind: 'refused', reason: 'no-leader' }]);
});

test('ids of two starts never meet (trap 26)', () => {
  const idsOf = (boots: number): number[] => {
    const { requests, asked, askAll } = createRequests({ boots });
    askAll();
    requests.reads.beforeRound();
    requests.memberChanges.onTick();
    return [...asked.reads, ...asked.memberChanges];
  };
  expect(idsOf(1)).not.toEqual(idsOf(2));
  expect(Math.min(...idsOf(2)) - Math.max(...idsOf(1))).toBe(2 ** 32);
});
