import { expect, test } from 'vitest';
import { seal } from '../../../src/engines/raft/codec/sealed-record.ts';
import { stateKey } from '../../../src/engines/raft/node/state/state-keys.ts';
import { encodeUtf8 } from '../../../src/shared/utf8.ts';
import { MemoryState } from '../../../src/state/memory-state.ts';
import { withoutRow, withRow } from '../persistent-map.ts';
import { type DiskVersion, keyOf } from '../simulated-disk.ts';
import { contentOfState, DiskContents } from './state-content.ts';

const contents = new DiskContents();

function put(disk: DiskVersion, key: string, value: number, generation = 2): DiskVersion {
  const storeKey = stateKey(generation, key);
  return withRow(disk, keyOf(storeKey), seal(storeKey, encodeUtf8(JSON.stringify(value))));
}

/** The same rows on a disk and in memory. */
function both(count: number): { disk: DiskVersion; state: MemoryState } {
  let disk: DiskVersion = withRow(undefined, 'm/identity', new Uint8Array(9));
  const state = new MemoryState();
  for (let row = 0; row < count; row += 1) {
    disk = put(disk, `job/ü${row}`, row);
    state.put(`job/ü${row}`, row);
  }
  return { disk, state };
}

test('disk and state have the same content when they have the same rows', () => {
  const { disk, state } = both(50);
  expect(contents.of(disk, 2)).toBe(contentOfState(state));
  state.put('job/ü7', 70);
  expect(contents.of(disk, 2)).not.toBe(contentOfState(state));
  expect(contents.of(put(disk, 'job/ü7', 70), 2)).toBe(contentOfState(state));
  state.delete('job/ü7');
  const without = withoutRow(disk, keyOf(stateKey(2, 'job/ü7')));
  expect(contents.of(without, 2)).toBe(contentOfState(state));
});

test('rows of other generations and rows of sessions do not count', () => {
  const { disk, state } = both(20);
  let other = disk;
  for (let row = 0; row < 20; row += 1) {
    other = put(put(other, `job/ü${row}`, -row, 1), `job/ü${row}`, -row, 3);
    other = put(other, `raft/session/${row}`, row);
  }
  expect(contents.of(other, 2)).toBe(contentOfState(state));
  expect(contents.of(other, 1)).not.toBe(contents.of(other, 2));
  expect(contents.of(undefined, 2)).toBe(contentOfState(new MemoryState()));
});

test('a row with a wrong checksum is damage', () => {
  const { disk } = both(20);
  const key = keyOf(stateKey(2, 'job/ü7'));
  expect(() => contents.of(withRow(disk, key, new Uint8Array(12)), 2)).toThrow(/does not match its checksum/);
});
