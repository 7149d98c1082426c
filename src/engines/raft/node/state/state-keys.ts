// The keys of the rows of the replicated state, listed in ARCHITECTURE.md. No other file spells them.

import { assert } from '../../../../shared/assert.ts';
import { readBigEndian, writeBigEndian } from '../../../../shared/big-endian.ts';
import { encodeUtf8 } from '../../../../shared/utf8.ts';
import type { KeyRange } from '../ports/key-value-store.ts';

const STATE_PREFIX = 0x73; // 's'

const MAX_GENERATION = 2 ** 32 - 1;

/** A state key begins with prefix and generation. The farm's own key follows. */
const STATE_KEY_HEAD_BYTES = 5;

/** The state's rows of every generation. */
export const ALL_STATE: KeyRange = {
  from: new Uint8Array([STATE_PREFIX]),
  to: new Uint8Array([STATE_PREFIX + 1]),
};

/** Returns the key of one row. */
export function stateKey(generation: number, farmKey: string): Uint8Array {
  const isGeneration = Number.isSafeInteger(generation) && generation >= 0 && generation <= MAX_GENERATION;
  assert(isGeneration, `${generation} is no generation`);
  const key = encodeUtf8(farmKey, { before: STATE_KEY_HEAD_BYTES });
  key[0] = STATE_PREFIX;
  writeBigEndian(key, { from: 1, to: STATE_KEY_HEAD_BYTES, value: generation });
  return key;
}

/** Returns the rows of a generation whose farm keys begin with `prefix`. */
export function stateRange(generation: number, prefix = ''): KeyRange {
  const from = stateKey(generation, prefix);
  // The smallest key above all of them. UTF-8 has no 0xff, but the generation may.
  const to = from.slice();
  let last = to.length - 1;
  while (to[last] === 0xff) to[last--] = 0;
  to[last] = (to[last] ?? 0) + 1;
  return { from, to };
}

/** Returns the farm's own key, in UTF-8, as a view of `key`. */
export function farmKeyOf(key: Uint8Array): Uint8Array {
  return key.subarray(STATE_KEY_HEAD_BYTES);
}

export function generationOf(key: Uint8Array): number {
  return readBigEndian(key, { from: 1, to: STATE_KEY_HEAD_BYTES });
}

/** Returns the smallest key above `key`. */
export function justAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
