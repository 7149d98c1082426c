// The keys of the store (the table is in ARCHITECTURE.md). Nothing else spells them.

import { allocateBytes } from '../../../../shared/allocate-bytes.ts';
import { assert } from '../../../../shared/assert.ts';
import { encodeShortAscii, encodeUtf8 } from '../../../../shared/utf8.ts';
import { type KeyRange, MAX_KEY_BYTES } from '../ports/key-value-store.ts';

export const IDENTITY_KEY = encodeUtf8('m/identity');
export const HARD_STATE_KEY = encodeUtf8('m/hard-state');
export const LOG_START_KEY = encodeUtf8('m/log-start');
export const APPLIED_KEY = encodeUtf8('m/applied');
export const REMOVED_KEY = encodeUtf8('m/removed');

const LOG_PREFIX = 0x6c; // 'l'
const STATE_PREFIX = 0x73; // 's'

/** Beyond this an index does not fit its key: at a million entries a second, nine years. */
export const MAX_LOG_INDEX = 2 ** 48 - 1;
export const MAX_GENERATION = 2 ** 32 - 1;

const BLOCK_KEY_BYTES = 7;
/** Bytes of a state key before the farm's own key: prefix and generation. */
const STATE_KEY_HEAD_BYTES = 5;
/** What the store takes under a generation. */
export const MAX_FARM_KEY_BYTES = MAX_KEY_BYTES - STATE_KEY_HEAD_BYTES;

/** The key of a block of log entries. Big-endian, so that the order of keys is the order of indexes. */
export function blockKey(firstIndex: number): Uint8Array {
  const isIndex = Number.isSafeInteger(firstIndex) && firstIndex >= 0 && firstIndex <= MAX_LOG_INDEX;
  assert(isIndex, `${firstIndex} is no log index`);
  const key = new Uint8Array(BLOCK_KEY_BYTES);
  key[0] = LOG_PREFIX;
  writeBigEndian(key, { from: 1, to: BLOCK_KEY_BYTES, value: firstIndex });
  return key;
}

/** The index of the first entry of the block under `key`; undefined when it is no key of a block. */
export function firstIndexOf(key: Uint8Array): number | undefined {
  if (key[0] !== LOG_PREFIX || key.length !== BLOCK_KEY_BYTES) return undefined;
  return readBigEndian(key, { from: 1, to: BLOCK_KEY_BYTES });
}

/** Every block of the log, wherever it stands. */
export const ALL_BLOCKS: KeyRange = {
  from: new Uint8Array([LOG_PREFIX]),
  to: new Uint8Array([LOG_PREFIX + 1]),
};

/** The key of one row of the replicated state; `farmKey` is UTF-8, and may be empty for the start of a generation. */
export function stateKey(generation: number, farmKey: Uint8Array): Uint8Array {
  const key = allocateBytes(STATE_KEY_HEAD_BYTES + farmKey.length);
  writeStateHead(key, generation);
  key.set(farmKey, STATE_KEY_HEAD_BYTES);
  return key;
}

/** The same with the farm's key as text. */
export function stateKeyOf(generation: number, farmKey: string): Uint8Array {
  const key = encodeShortAscii(farmKey, { before: STATE_KEY_HEAD_BYTES, after: 0 });
  if (key === undefined) return stateKey(generation, encodeUtf8(farmKey));
  writeStateHead(key, generation);
  return key;
}

export function isStateKey(key: Uint8Array): boolean {
  return key[0] === STATE_PREFIX && key.length >= STATE_KEY_HEAD_BYTES;
}

/** The farm's own key, in UTF-8: a view of `key`. */
export function farmKeyOf(key: Uint8Array): Uint8Array {
  return key.subarray(STATE_KEY_HEAD_BYTES);
}

export function generationOf(key: Uint8Array): number {
  return readBigEndian(key, { from: 1, to: STATE_KEY_HEAD_BYTES });
}

/** The rows of generations `first` ≤ generation < `afterLast`, which may be one above the highest. */
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

/** The smallest key above `key`. */
export function justAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function writeStateHead(key: Uint8Array, generation: number): void {
  const isGeneration = Number.isSafeInteger(generation) && generation >= 0 && generation <= MAX_GENERATION;
  assert(isGeneration, `${generation} is no generation`);
  key[0] = STATE_PREFIX;
  writeBigEndian(key, { from: 1, to: STATE_KEY_HEAD_BYTES, value: generation });
}

function writeBigEndian(
  bytes: Uint8Array,
  { from, to, value }: { from: number; to: number; value: number },
): void {
  let rest = value;
  for (let at = to - 1; at >= from; at--) {
    bytes[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
}

function readBigEndian(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 0x100 + (bytes[at] ?? 0);
  return value;
}
