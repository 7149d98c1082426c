import { expect, test } from 'vitest';
import { AssertionError } from '../shared/assert.ts';
import { CodedError } from '../shared/coded-error.ts';
import { problem, problemAnswerFor } from './error-handler.ts';

test('a problem carries the standard members first and its own fields after them', () => {
  const { body, headers, status, isInternal } = problemAnswerFor(
    problem('no_leader', 'Wait.', { node: 'a' }),
  );
  expect(JSON.parse(body)).toEqual({
    type: 'urn:raft3d:problem:no_leader',
    title: 'The cluster has no leader now',
    status: 503,
    detail: 'Wait.',
    code: 'no_leader',
    node: 'a',
  });
  expect([status, headers['retry-after'], isInternal]).toEqual([503, '1', false]);
});

test.each([
  new AssertionError('invariant'),
  new CodedError('storage_failed', 'no such code here'),
  new CodedError('constructor', 'a name that every object has'),
  'a string',
  null,
  undefined,
])('%s is an internal error', (error) => {
  const { status, isInternal, body } = problemAnswerFor(error);
  expect([status, isInternal, JSON.parse(body).code]).toEqual([500, true, 'internal_error']);
});
