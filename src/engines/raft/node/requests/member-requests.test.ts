import { expect, test } from 'vitest';
import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import { TestClock } from '../testing/clock.ts';
import { MemberRequests } from './member-requests.ts';

const REMOVAL: MemberChange = { kind: 'remove', node: 'c' };
const DONE: MemberChangeOutcome = { kind: 'done', leaderAddress: 'a:7000', role: 'removed' };
const NOT_FOUND: MemberChangeOutcome = { kind: 'refused', code: 'not_found', message: '' };

function createRequests() {
  const clock = new TestClock();
  let ask = (_: number): boolean => true;
  const carrier = { sendMemberChange: (requestId: number) => ask(requestId) };
  const requests = new MemberRequests(
    { clock, carrier },
    { firstRequestId: 50, timeoutMs: 1_000, resendAfterMs: 300 },
  );
  /** Ticks once; `asks` stands for the way to the leader. */
  const tick = (asks: (requestId: number) => boolean): void => {
    ask = asks;
    requests.onTick();
  };
  const outcomes: MemberChangeOutcome[] = [];
  requests.add(REMOVAL, (outcome) => outcomes.push(outcome));
  /** Lets time pass. Returns the ids that are sent then. */
  const asked = (ms: number, goesOut = true): number[] => {
    clock.advance(ms);
    const ids: number[] = [];
    tick((requestId) => {
      ids.push(requestId);
      return goesOut;
    });
    return ids;
  };
  return { requests, outcomes, asked, tick };
}

test('a change is sent at the next tick, and answered once', () => {
  const { requests, outcomes, asked } = createRequests();
  expect(asked(1)).toEqual([50]);
  requests.onAnswer(50, DONE);
  requests.onAnswer(50, DONE);
  expect(outcomes).toEqual([DONE]);
  expect(asked(1_000)).toEqual([]);
});

test('an answer inside the sending call counts', () => {
  const { requests, outcomes, tick } = createRequests();
  tick((requestId) => {
    requests.onAnswer(requestId, DONE);
    return true;
  });
  expect(outcomes).toEqual([DONE]);
});

test('without a leader the change waits, and ends as no-leader: nothing was done', () => {
  const { outcomes, asked } = createRequests();
  expect(asked(1, false)).toEqual([50]);
  expect(asked(1, false)).toEqual([50]);
  asked(1_000, false);
  expect(outcomes).toEqual([{ kind: 'no-leader' }]);
});

test('an unanswered change is sent again, and ends as unknown', () => {
  const { outcomes, asked } = createRequests();
  expect([asked(1), asked(299), asked(1), asked(300)]).toEqual([[50], [], [50], [50]]);
  asked(1_000);
  expect(outcomes).toEqual([{ kind: 'unknown' }]);
});

test('after an answer of no-leader the change is sent again at the next tick', () => {
  const { requests, outcomes, asked } = createRequests();
  asked(1);
  requests.onAnswer(50, { kind: 'no-leader' });
  expect([asked(1), outcomes]).toEqual([[50], []]);
});

test('after an answer of unknown the change is sent again, to the next leader', () => {
  const { requests, outcomes, asked } = createRequests();
  asked(1);
  requests.onAnswer(50, { kind: 'unknown' });
  expect([asked(1), outcomes]).toEqual([[50], []]);
  requests.onAnswer(50, { kind: 'no-leader' });
  asked(1_000, false);
  expect(outcomes).toEqual([{ kind: 'unknown' }]);
});

test.each([
  ['its leader changed', ({ requests }: ReturnType<typeof createRequests>) => requests.onNewLeader()],
  ['its answer was lost', ({ asked }: ReturnType<typeof createRequests>) => asked(300)],
  [
    'its leader lost its place',
    ({ requests }: ReturnType<typeof createRequests>) => requests.onAnswer(50, { kind: 'unknown' }),
  ],
])('a removal that finds nobody after %s was carried out before', (_, meanwhile) => {
  const parts = createRequests();
  parts.asked(1);
  meanwhile(parts);
  parts.asked(1);
  parts.requests.onAnswer(50, NOT_FOUND);
  expect(parts.outcomes).toMatchObject([{ kind: 'done', role: 'removed' }]);
});

test('a removal that is not found at its first sending is refused', () => {
  const { requests, outcomes, asked } = createRequests();
  asked(1);
  requests.onAnswer(50, { kind: 'no-leader' });
  asked(1);
  requests.onAnswer(50, NOT_FOUND);
  expect(outcomes).toEqual([NOT_FOUND]);
});

test('the number of waiting requests is bounded (trap 36)', () => {
  const { requests } = createRequests();
  const taken = Array.from({ length: 70 }, () => requests.add(REMOVAL, () => undefined));
  expect(taken.filter(Boolean)).toHaveLength(63);
});

test('a stop answers every request', () => {
  const { requests, outcomes, asked } = createRequests();
  const other: MemberChangeOutcome[] = [];
  asked(1);
  requests.add(REMOVAL, (outcome) => other.push(outcome));
  requests.onStop();
  expect([outcomes, other]).toEqual([[{ kind: 'unknown' }], [{ kind: 'no-leader' }]]);
});
