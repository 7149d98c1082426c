import { expect, test } from 'vitest';
import { judge } from './member-faults.ts';

test.each([
  ['200', { status: 200, body: {} }, false, 'removed'],
  ['no answer', undefined, false, 'unknown'],
  ['504', { status: 504, body: {} }, false, 'unknown'],
  ['503', { status: 503, body: {} }, true, 'not yet'],
  ['a lack of voters', { status: 409, body: { code: 'would_lose_quorum' } }, false, 'not yet'],
  ['another refusal', { status: 409, body: { code: 'last_voter' } }, false, 'wrong'],
  ['404 after a request of unknown end', { status: 404, body: {} }, true, 'removed'],
  ['404 without an earlier request', { status: 404, body: {} }, false, 'wrong'],
  ['500', { status: 500, body: {} }, true, 'wrong'],
] as const)('the verdict on a removal answered by %s', (_, answer, mayBeDone, verdict) => {
  expect(judge(answer, mayBeDone)).toBe(verdict);
});
