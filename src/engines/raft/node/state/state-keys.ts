// The keys of the rows of the replicated state, listed in ARCHITECTURE.md. No other file spells them.

import { allocateBytes } from '../../../../shared/allocate-bytes.ts';
import { assert } from '../../../../shared/assert.ts';
import { readBigEndian, writeBigEndian } from '../../../../shared/big-endian.ts';
import { encodeUtf8 } from '../../../../shared/utf8.ts';
import type { KeyRange } from '../ports/key-value-store.ts';

const STATE_PREFIX = 0x73; // 's'

export const MAX_GENERATION = 2 ** 32 - 1;

/** A state key begins with prefix and generation. The farm's own key follows. */
const STATE_KEY_HEAD_BYTES = 5;

/**
 * Returns the key of one row. `farmKey` is UTF-8; an empty one gives the start of the generation.
 * For tests: they write rows.
 */
export function stateKey(generation: number, farmKey: Uint8Array): Uint8Array {
  const key = allocateBytes(STATE_KEY_HEAD_BYTES + farmKey.length);
  writeHead(key, generation);
  key.set(farmKey, STATE_KEY_HEAD_BYTES);
  return key;
}

/** Returns the key of one row, from the farm's key as text. */
export function stateKeyOf(generation: number, farmKey: string): Uint8Array {
  const key = encodeUtf8(farmKey, { before: STATE_KEY_HEAD_BYTES });
  writeHead(key, generation);
  return key;
}

/** For tests: they read the rows of a disk. */
export function isStateKey(key: Uint8Array): boolean {
  return key[0] === STATE_PREFIX && key.length >= STATE_KEY_HEAD_BYTES;
}

/** Returns the farm's own key, in UTF-8, as a view of `key`. */
export function farmKeyOf(key: Uint8Array): Uint8Array {
  return key.subarray(STATE_KEY_HEAD_BYTES);
}

export function generationOf(key: Uint8Array): number {
  return readBigEndian(key, { from: 1, to: STATE_KEY_HEAD_BYTES });
}

/** Returns the rows of generations `first` ≤ generation < `afterLast`, which may be one above the highest. */
export function generationsRange(first: number, afterLast: number): KeyRange {
  const none = new Uint8Array(0);
  const to = afterLast > MAX_GENERATION ? ALL_STATE.to : stateKey(afterLast, none);
  return { from: stateKey(first, none), to };
}

/** The state's rows of every generation. */
export const ALL_STATE: KeyRange = {
  from: new Uint8Array([STATE_PREFIX]),
  to: new Uint8Array([STATE_PREFIX + 1]),
};

/** Returns the smallest key above `key`. */
export function justAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function writeHead(key: Uint8Array, generation: number): void {
  const isGeneration = Number.isSafeInteger(generation) && generation >= 0 && generation <= MAX_GENERATION;
  assert(isGeneration, `${generation} is no generation`);
  key[0] = STATE_PREFIX;
  writeBigEndian(key, { from: 1, to: STATE_KEY_HEAD_BYTES, value: generation });
}
