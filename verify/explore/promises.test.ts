import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/engines/raft/core/message.ts';
import { EMPTY_DISK } from './explored-disk.ts';
import { promiseBrokenBy } from './promises.ts';

const DISK = {
  ...EMPTY_DISK,
  hardState: { term: 2, votedFor: 'b' },
  entries: [{ kind: 'leader-start', index: 1, term: 1 } as const],
};
const termAt = (index: number): number => Math.min(index, 1);
const acknowledgement = {
  kind: 'append-response',
  from: 'a',
  to: 'b',
  success: true,
  hintIndex: 0,
  hintTerm: 0,
};

describe('a sent message', () => {
  test.each([
    ['a term', { kind: 'heartbeat-response', from: 'a', to: 'b', term: 3, readRound: 0 }],
    ['a vote', { kind: 'vote-response', from: 'a', to: 'c', term: 2, granted: true }],
    ['an entry', { ...acknowledgement, term: 2, index: 2 }],
  ])('may not promise %s that the disk does not hold', (_, message) => {
    expect(promiseBrokenBy(message as Message, DISK, termAt)).toMatch(/^durable promises: /);
  });

  test.each([
    ['a vote', { kind: 'vote-response', from: 'a', to: 'b', term: 2, granted: true }],
    ['an entry', { ...acknowledgement, term: 2, index: 1 }],
  ])('may promise %s that the disk holds', (_, message) => {
    expect(promiseBrokenBy(message as Message, DISK, termAt)).toBeUndefined();
  });
});
