import { expect, test } from 'vitest';
import { parseQueryString } from './query-string.ts';

test.each([
  ['', {}],
  ['&&', {}],
  ['a=1&b=x+y%20z', { a: '1', b: 'x y z' }],
  ['a', { a: '' }],
  ['a=b=c', { a: 'b=c' }],
  ['a=1&a=2&a=3', { a: [] }],
  ['a=%zz', { a: null }],
  ['a=%ff', { a: null }],
  ['a=%zz&a=1', { a: [] }],
  ['%zz=1', { '%zz': '1' }],
])('%j', (text, expected) => expect({ ...parseQueryString(text) }).toEqual(expected));

test('no name is special', () => {
  const query = parseQueryString('__proto__=1&constructor=2');
  expect(Object.entries(query)).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
  ]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
