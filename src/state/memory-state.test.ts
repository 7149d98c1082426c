import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../shared/utf8-order.ts';
import { MemoryState } from './memory-state.ts';

const aKey = fc.string({ unit: 'binary', maxLength: 6 });

test('keys compare like their UTF-8 bytes', () => {
  fc.assert(
    fc.property(aKey, aKey, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('a range equals all keys, filtered and sorted', () => {
  const aShortKey = fc.string({ unit: fc.constantFrom('a', 'b', '\uffee', '\u{1f9f5}'), maxLength: 4 });
  const options = fc.record({ prefix: aShortKey, after: aShortKey }, { requiredKeys: ['prefix'] });
  fc.assert(
    fc.property(fc.uniqueArray(aShortKey), options, (keys, range) => {
      const state = new MemoryState();
      for (const key of keys) state.put(key, key.length);
      const { prefix, after } = range;
      const expected = keys
        .filter((key) => key.startsWith(prefix))
        .filter((key) => after === undefined || compareUtf8(key, after) > 0)
        .sort(compareUtf8);
      expect([...state.range(range)].map(([key]) => key)).toEqual(expected);
    }),
  );
});

test('a value is read back until it is deleted, and shares nothing with the value that was put', () => {
  const state = new MemoryState();
  const value = { list: [1, 'two', null] };
  state.put('a', value);
  value.list.push(4);
  expect(state.get('a')).toEqual({ list: [1, 'two', null] });
  state.delete('a');
  expect(state.get('a')).toBeUndefined();
  expect([...state.range({ prefix: '' })]).toEqual([]);
});
