import { expect, test } from 'vitest';
import { isNodeId, MAX_NODE_ID_CHARACTERS } from './node-id.ts';

test('a node id is letters, digits, dots, underscores and hyphens, within a bound', () => {
  const longest = 'x'.repeat(MAX_NODE_ID_CHARACTERS);
  expect(['node1', 'a.b_c-D', longest].filter((id) => !isNodeId(id))).toEqual([]);
  expect(['', 'a b', 'ü', 'a/b', `${longest}x`, 'a\n'].filter(isNodeId)).toEqual([]);
});
