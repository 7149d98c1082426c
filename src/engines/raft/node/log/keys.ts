// The keys of the log and of the records beside it, listed in ARCHITECTURE.md. No other file spells them.

import { assert } from '../../../../shared/assert.ts';
import { readBigEndian, writeBigEndian } from '../../../../shared/big-endian.ts';
import { encodeUtf8 } from '../../../../shared/utf8.ts';
import type { KeyRange } from '../ports/key-value-store.ts';

export const IDENTITY_KEY = encodeUtf8('m/identity');
export const HARD_STATE_KEY = encodeUtf8('m/hard-state');
export const LOG_START_KEY = encodeUtf8('m/log-start');
export const APPLIED_KEY = encodeUtf8('m/applied');
export const REMOVED_KEY = encodeUtf8('m/removed');

const LOG_PREFIX = 0x6c; // 'l'

/** A larger index does not fit its key. A million entries a second reach it in nine years. */
const MAX_LOG_INDEX = 2 ** 48 - 1;

const BLOCK_KEY_BYTES = 7;

/** Returns the key of a block of log entries. The order of these keys is the order of the indexes. */
export function blockKey(firstIndex: number): Uint8Array {
  const isIndex = Number.isSafeInteger(firstIndex) && firstIndex >= 0 && firstIndex <= MAX_LOG_INDEX;
  assert(isIndex, `${firstIndex} is no log index`);
  const key = new Uint8Array(BLOCK_KEY_BYTES);
  key[0] = LOG_PREFIX;
  writeBigEndian(key, { from: 1, to: BLOCK_KEY_BYTES, value: firstIndex });
  return key;
}

/** Returns the index of the first entry of the block under `key`; undefined when it is not a block's key. */
export function firstIndexOf(key: Uint8Array): number | undefined {
  if (key[0] !== LOG_PREFIX || key.length !== BLOCK_KEY_BYTES) return undefined;
  return readBigEndian(key, { from: 1, to: BLOCK_KEY_BYTES });
}

/** Every block of the log. */
export const ALL_BLOCKS: KeyRange = {
  from: new Uint8Array([LOG_PREFIX]),
  to: new Uint8Array([LOG_PREFIX + 1]),
};
