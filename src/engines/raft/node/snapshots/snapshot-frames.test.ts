import { expect, test } from 'vitest';
import { configurationOf } from '../testing/core.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';

const FRAMES: readonly SnapshotFrame[] = [
  {
    kind: 'begin',
    snapshotId: '3-1',
    term: 7,
    point: {
      index: 2 ** 40,
      term: 6,
      configurationIndex: 5,
      configuration: configurationOf({ a: 'voter', d: 'learner' }),
    },
    sizeBytes: 2 ** 41,
  },
  { kind: 'resume', offset: 0 },
  { kind: 'resume', offset: 2 ** 40 },
  { kind: 'chunk', offset: 2 ** 33, bytes: new Uint8Array([1, 255, 0]) },
  { kind: 'acknowledged', offset: 2 },
  { kind: 'installed', index: 9 },
  { kind: 'refused', reason: 'no' },
];

test.each(FRAMES.map((frame) => [frame.kind, frame] as const))('%s survives its bytes', (_, frame) => {
  expect(decodeSnapshotFrame(encodeSnapshotFrame(frame))).toEqual(frame);
});

test.each([
  ['nothing', []],
  ['an unknown kind', [99]],
  ['a frame that ends early', [1, 3]],
  ['bytes after the end', [4, 2, 0]],
])('%s is malformed', (_, bytes) => {
  expect(() => decodeSnapshotFrame(new Uint8Array(bytes))).toThrow(
    expect.objectContaining({ code: 'malformed' }),
  );
});

test('a reason of any length can be sent', () => {
  const reason = 'ä'.repeat(5_000);
  const frame = decodeSnapshotFrame(encodeSnapshotFrame({ kind: 'refused', reason }));
  expect(frame.kind === 'refused' && reason.startsWith(frame.reason)).toBe(true);
});
