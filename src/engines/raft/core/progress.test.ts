import { describe, expect, test } from 'vitest';
import { MAX_INFLIGHT_APPENDS, MAX_INFLIGHT_BYTES, Progress } from './progress.ts';

function replicating(match: number): Progress {
  const progress = new Progress(match + 1);
  progress.onAcknowledged(match);
  progress.becomeReplicate();
  return progress;
}

describe('the progress of a follower', () => {
  test('in probe, one append is in flight at a time', () => {
    const progress = new Progress(5);
    expect(progress.canSend()).toBe(true);
    progress.onSent({ lastIndex: 7, bytes: 100 });
    expect(progress.canSend()).toBe(false);
    expect(progress.next).toBe(5);
  });

  test('in replicate, appends in flight are bounded in number and bytes (trap 36)', () => {
    const many = replicating(0);
    for (let index = 1; index <= MAX_INFLIGHT_APPENDS; index++) {
      expect(many.canSend()).toBe(true);
      many.onSent({ lastIndex: index, bytes: 1 });
    }
    expect(many.canSend()).toBe(false);
    const large = replicating(0);
    large.onSent({ lastIndex: 1, bytes: MAX_INFLIGHT_BYTES });
    expect(large.canSend()).toBe(false);
  });

  test('an answer frees exactly the appends that it covers', () => {
    const progress = replicating(0);
    for (let index = 1; index <= MAX_INFLIGHT_APPENDS; index++)
      progress.onSent({ lastIndex: index, bytes: 1 });
    progress.onAcknowledged(2);
    progress.onSent({ lastIndex: MAX_INFLIGHT_APPENDS + 1, bytes: 1 });
    expect(progress.canSend()).toBe(true);
    progress.onSent({ lastIndex: MAX_INFLIGHT_APPENDS + 2, bytes: 1 });
    expect(progress.canSend()).toBe(false);
  });

  test('the match index never decreases', () => {
    const progress = replicating(8);
    expect(progress.onAcknowledged(5)).toBe(false);
    expect(progress.match).toBe(8);
    expect(progress.onRefused({ rejected: 6, nextTry: 1 })).toBe(false);
    progress.becomeProbe();
    progress.onSent({ lastIndex: 8, bytes: 0 });
    expect(progress.onRefused({ rejected: 8, nextTry: 1 })).toBe(true);
    expect(progress.next).toBe(9);
  });

  test('a refusal of another append than the probe in flight is outdated', () => {
    const progress = new Progress(10);
    progress.onSent({ lastIndex: 9, bytes: 0 });
    expect(progress.onRefused({ rejected: 4, nextTry: 2 })).toBe(false);
    expect(progress.canSend()).toBe(false);
    expect(progress.onRefused({ rejected: 9, nextTry: 4 })).toBe(true);
    expect(progress.next).toBe(4);
    expect(progress.canSend()).toBe(true);
  });

  test('every refusal moves the probe back, with any hint', () => {
    const progress = new Progress(10);
    for (let rejected = 9; rejected >= 1; rejected--) {
      progress.onSent({ lastIndex: rejected, bytes: 0 });
      expect(progress.onRefused({ rejected: rejected, nextTry: 1_000 })).toBe(true);
      expect(progress.next).toBe(rejected);
    }
  });

  test('nothing is appended while a snapshot is in flight', () => {
    const progress = replicating(3);
    progress.becomeSnapshot();
    expect(progress.canSend()).toBe(false);
    expect(progress.onRefused({ rejected: 9, nextTry: 1 })).toBe(false);
  });
});
