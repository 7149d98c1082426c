import { expect, test } from 'vitest';
import { MAX_FARM_KEY_BYTES } from './keys.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';
import { configurationOf } from './test-core.ts';

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
  },
  { kind: 'resume', afterKey: new Uint8Array() },
  { kind: 'resume', afterKey: new Uint8Array([1, 255]) },
  {
    kind: 'chunk',
    sequence: 2,
    rows: [
      { key: new Uint8Array([1]), value: new Uint8Array([2, 3]) },
      { key: new Uint8Array([4]), value: new Uint8Array() },
    ],
  },
  { kind: 'acknowledged', sequence: 2 },
  { kind: 'end', rowCount: 2 },
  { kind: 'installed', index: 9 },
  { kind: 'refused', reason: 'no' },
];

test.each(FRAMES.map((frame) => [frame.kind, frame] as const))('%s survives its bytes', (_, frame) => {
  expect(decodeSnapshotFrame(encodeSnapshotFrame(frame))).toEqual(frame);
});

test('every changed bit of the rows of a chunk is noticed', () => {
  const bytes = encodeSnapshotFrame(FRAMES[3] as SnapshotFrame);
  const headBytes = 2;
  for (let at = headBytes; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      expect(() => decodeSnapshotFrame(changed)).toThrow('checksum');
    }
  }
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

test('a row or a resume with a key that no store takes is malformed', () => {
  const key = new Uint8Array(MAX_FARM_KEY_BYTES + 1);
  const frames: SnapshotFrame[] = [
    { kind: 'chunk', sequence: 0, rows: [{ key, value: new Uint8Array(4) }] },
    { kind: 'resume', afterKey: key },
  ];
  for (const frame of frames) {
    expect(() => decodeSnapshotFrame(encodeSnapshotFrame(frame))).toThrow(
      `${MAX_FARM_KEY_BYTES} are the most`,
    );
  }
});

test('a chunk of more rows than one may have is malformed', () => {
  const row = { key: new Uint8Array(0), value: new Uint8Array(0) };
  const rows = Array.from({ length: 65_537 }, () => row);
  expect(() => decodeSnapshotFrame(encodeSnapshotFrame({ kind: 'chunk', sequence: 0, rows }))).toThrow(
    'are the most',
  );
});

test('a reason of any length can be said', () => {
  const reason = 'ä'.repeat(5_000);
  const frame = decodeSnapshotFrame(encodeSnapshotFrame({ kind: 'refused', reason }));
  expect(frame.kind === 'refused' && reason.startsWith(frame.reason)).toBe(true);
});
