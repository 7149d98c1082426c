import { expect, test } from 'vitest';
import { MAX_FARM_KEY_BYTES, MAX_GENERATION } from './keys.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';
import { configurationOf } from './test-core.ts';
import { rowOf, rowsOf } from './test-snapshot-rows.ts';

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
    generation: MAX_GENERATION,
  },
  { kind: 'resume', afterKey: new Uint8Array() },
  { kind: 'resume', afterKey: new Uint8Array([1, 255]) },
  {
    kind: 'chunk',
    sequence: 2,
    rows: rowsOf(rowOf(3, 'a', 1), rowOf(3, 'b', 2)),
  },
  { kind: 'acknowledged', sequence: 2 },
  { kind: 'end', rowCount: 2 },
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

test('a resume with a key that no store takes is malformed', () => {
  const frame: SnapshotFrame = { kind: 'resume', afterKey: new Uint8Array(MAX_FARM_KEY_BYTES + 1) };
  expect(() => decodeSnapshotFrame(encodeSnapshotFrame(frame))).toThrow(`${MAX_FARM_KEY_BYTES} are the most`);
});

test('a generation that no key takes is malformed', () => {
  const begin = { ...FRAMES[0], generation: MAX_GENERATION + 1 } as SnapshotFrame;
  expect(() => decodeSnapshotFrame(encodeSnapshotFrame(begin))).toThrow('no generation');
});

test.each([
  ['more rows than a chunk may have', 65_537, 'are the most'],
  ['more rows than its bytes could be', 65_536, 'no room'],
])('a chunk of %s is malformed', (_, count, message) => {
  const bytes = new Uint8Array(count === 65_537 ? 11 * count : 11 * count - 1);
  const frame = encodeSnapshotFrame({ kind: 'chunk', sequence: 0, rows: { count, bytes } });
  expect(() => decodeSnapshotFrame(frame)).toThrow(message);
});

test('a reason of any length can be said', () => {
  const reason = 'ä'.repeat(5_000);
  const frame = decodeSnapshotFrame(encodeSnapshotFrame({ kind: 'refused', reason }));
  expect(frame.kind === 'refused' && reason.startsWith(frame.reason)).toBe(true);
});
