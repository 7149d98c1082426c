import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  beginEdit,
  lookUp,
  rowAt,
  rowsBetween,
  sizeOf,
  type Version,
  withoutRow,
  withRow,
} from './persistent-map.ts';

const keys = fc.string({ maxLength: 3 });
const steps = fc.array(fc.record({ key: keys, value: fc.option(fc.integer(), { nil: undefined }) }));

function changed(
  map: Version<number>,
  { key, value }: { key: string; value: number | undefined },
  edit = beginEdit(),
): Version<number> {
  return value === undefined ? withoutRow(map, key, edit) : withRow(map, key, value, edit);
}

/** Applies all changes in one edit. */
function changedAtOnce(
  map: Version<number>,
  changes: readonly Parameters<typeof changed>[1][],
): Version<number> {
  const edit = beginEdit();
  return changes.reduce((sum, change) => changed(sum, change, edit), map);
}

function contentOf(map: Version<number>): [string, number][] {
  return Array.from(rowsBetween(map, { from: '', to: '\uffff\uffff\uffff\uffff' }), ({ key, value }) => [
    key,
    value,
  ]);
}

function expectBalanced(map: Version<number>): void {
  if (map === undefined) return;
  const { left, right } = map;
  expect(Math.abs((left?.height ?? 0) - (right?.height ?? 0))).toBeLessThanOrEqual(1);
  expect(map.height).toBe(Math.max(left?.height ?? 0, right?.height ?? 0) + 1);
  expectBalanced(left);
  expectBalanced(right);
}

test('a persistent map equals a plain sorted map after any changes', () => {
  fc.assert(
    fc.property(steps, (changes) => {
      const plain = new Map<string, number>();
      let map: Version<number>;
      for (const change of changes) {
        if (change.value === undefined) plain.delete(change.key);
        else plain.set(change.key, change.value);
        map = changed(map, change);
        expectBalanced(map);
      }
      const expected = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(contentOf(map)).toEqual(expected);
      expect(sizeOf(map)).toBe(plain.size);
      for (const [position, [key, value]] of expected.entries()) {
        expect(lookUp(map, key)).toBe(value);
        expect(rowAt(map, position)?.key).toBe(key);
      }
    }),
  );
});

test('a range yields the rows from one key up to another, in either direction', () => {
  fc.assert(
    fc.property(fc.array(keys), keys, keys, (present, from, to) => {
      const map = present.reduce<Version<number>>((sum, key) => withRow(sum, key, 0), undefined);
      const expected = [...new Set(present)]
        .filter((key) => from <= key && key < to)
        .sort((a, b) => (a < b ? -1 : 1));
      const keysOf = (reverse: boolean): string[] =>
        Array.from(rowsBetween(map, { from, to, reverse }), ({ key }) => key);
      expect(keysOf(false)).toEqual(expected);
      expect(keysOf(true)).toEqual(expected.reverse());
    }),
  );
});

test('a version never changes', () => {
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const version = changedAtOnce(undefined, before);
      const content = contentOf(version);
      const oneByOne = after.reduce((sum, change) => changed(sum, change), version);
      expect(contentOf(changedAtOnce(version, after))).toEqual(contentOf(oneByOne));
      expect(contentOf(version)).toEqual(content);
    }),
  );
});

test('the tree stays balanced when rows are inserted in order', () => {
  let map: Version<number>;
  for (let row = 0; row < 4_096; row += 1) map = withRow(map, String(row).padStart(5, '0'), row);
  // An AVL tree is at most 1.44 log2(n) high.
  expect(map?.height).toBeLessThanOrEqual(17);
});
