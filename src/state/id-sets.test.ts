import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../shared/utf8-order.ts';
import { addId, BOUNDED_BLOCKS, deleteId, idsOf } from './id-sets.ts';
import { MemoryState } from './memory-state.ts';

const SET = 's/a';
const LONGEST_BLOCK = 320;

function idsWith(ids: readonly string[]): MemoryState {
  const state = new MemoryState();
  for (const id of ids) addId(state, SET, id);
  return state;
}

/** Returns the last block, then the others. */
function blocksOf(state: MemoryState): string[] {
  const rows = [...state.range({ prefix: SET }), ...state.range({ prefix: BOUNDED_BLOCKS + SET })];
  return rows.map(([, row]) => row as string);
}

// Long ids make blocks of few ids. UTF-8 and UTF-16 order the last two characters differently.
const aCharacter = fc.constantFrom('a', 'b', 'c', '\uffee', '\u{1f9f5}');
const anId = fc.oneof(
  fc.string({ unit: aCharacter, minLength: 1, maxLength: 4 }),
  fc.string({ unit: aCharacter, minLength: 60, maxLength: 128 }),
);
const steps = fc.array(fc.record({ id: anId, isDelete: fc.boolean() }), { maxLength: 120 });

test('a set contains the added ids without the deleted ones, in order, after any changes', () => {
  fc.assert(
    fc.property(steps, fc.option(anId, { nil: undefined }), (changes, after) => {
      const state = new MemoryState();
      // Other sets, with keys before and after.
      addId(state, 's/Z', 'z');
      addId(state, 's/b', 'b');
      const model = new Set<string>();
      for (const { id, isDelete } of changes) {
        if (model.has(id)) {
          if (!isDelete) continue;
          deleteId(state, SET, id);
          model.delete(id);
        } else {
          addId(state, SET, id);
          model.add(id);
        }
      }
      const expected = [...model]
        .sort(compareUtf8)
        .filter((id) => after === undefined || compareUtf8(id, after) > 0);
      expect([...idsOf(state, SET, after)]).toEqual(expected);
      expect(blocksOf(state).slice(1)).not.toContain('');
      for (const id of model) deleteId(state, SET, id);
      expect(blocksOf(state)).toEqual([]);
      expect([...idsOf(state, 's/Z'), ...idsOf(state, 's/b')]).toEqual(['z', 'b']);
    }),
    { numRuns: 300 },
  );
});

test('ascending ids leave full blocks behind, and no block exceeds its bound by more than an id', () => {
  const ascending = Array.from({ length: 1_000 }, (_, at) => `job-${10_000 + at}`);
  const blocks = blocksOf(idsWith(ascending));
  expect(blocks.length).toBeLessThan(1.1 * ((1_000 * 10) / LONGEST_BLOCK));
  const descending = blocksOf(idsWith(ascending.toReversed()));
  expect(Math.max(...descending.map(({ length }) => length))).toBeLessThanOrEqual(LONGEST_BLOCK);
  expect(descending.length).toBeLessThan(2.5 * blocks.length);
});

test('deleting an id that is not in the set throws', () => {
  const state = idsWith(['b', 'c']);
  for (const id of ['a', 'bb', 'd']) expect(() => deleteId(state, SET, id)).toThrow();
  expect([...idsOf(state, SET)]).toEqual(['b', 'c']);
});
