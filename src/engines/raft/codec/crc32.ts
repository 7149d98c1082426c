// CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320) of every byte that is stored or sent. It takes eight
// bytes a step by the slicing-by-8 method (Kounavis and Berry 2005).

import { assert } from '../../../shared/assert.ts';

const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/** Entry 256k + b: the effect of byte b on the checksum, k bytes before the end of a step. */
const SLICE_ENTRIES = 256;
const TABLE = sliceTable(SLICES);

export type Crc32 = (bytes: Uint8Array, seed: number) => number;

/** From this length on the platform's function saves more than its call costs: 3 GB/s instead of 0.3. */
const LONG_BYTES = 256;
const CHECK = { text: '123456789', checksum: 0xcbf43926 };
let ofLongBytes: Crc32 | undefined;

/**
 * Returns the checksum of `bytes`, an integer from 0 to 2³² - 1. `seed` is the checksum of the bytes before:
 * crc32(b, crc32(a)) is the checksum of a followed by b.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  if (ofLongBytes !== undefined && bytes.length >= LONG_BYTES) return ofLongBytes(bytes, seed);
  return crc32Between(bytes, 0, bytes.length, seed);
}

/** Uses the platform's function, if it has one, for long bytes. It must compute the same checksum. */
export function leaveLongChecksumsTo(platform: Crc32 | undefined): void {
  const bytes = Uint8Array.from(CHECK.text, (character) => character.charCodeAt(0));
  const isEqual = platform === undefined || platform(bytes, 0) === CHECK.checksum;
  assert(isEqual, 'the platform computes another checksum');
  ofLongBytes = platform;
}

/** Returns the checksum of the bytes `from` ≤ position < `end`, which must exist. */
export function crc32Between(bytes: Uint8Array, from: number, end: number, seed = 0): number {
  const stepsEnd = end - ((end - from) % SLICES);
  let crc = ~seed;
  for (let at = from; at < stepsEnd; at += SLICES) {
    crc = step(crc ^ wordAt(bytes, at), wordAt(bytes, at + 4));
  }
  return ~rest(crc, bytes, stepsEnd, end) >>> 0;
}

/** The block of the last call of crc32InBlock. */
let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/**
 * Like crc32Between, in 0.6 of its time for many short pieces of one block: a DataView reads whole words.
 * Creating the view costs more than one piece, so it is kept until another block comes.
 */
export function crc32InBlock(block: Uint8Array, from: number, end: number): number {
  if (block !== viewed) {
    view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    viewed = block;
  }
  const words = view;
  const stepsEnd = end - ((end - from) % SLICES);
  let crc = ~0;
  for (let at = from; at < stepsEnd; at += SLICES) {
    crc = step(crc ^ words.getInt32(at, true), words.getInt32(at + 4, true));
  }
  return ~rest(crc, block, stepsEnd, end) >>> 0;
}

// `as number` below: every index is in range, and these functions are too hot for a check that never fails.

/** Returns the little-endian word at `at`. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** Takes eight bytes as two words. `first` is already combined with the checksum so far. */
function step(first: number, second: number): number {
  return (
    (TABLE[7 * SLICE_ENTRIES + (first & 0xff)] as number) ^
    (TABLE[6 * SLICE_ENTRIES + ((first >>> 8) & 0xff)] as number) ^
    (TABLE[5 * SLICE_ENTRIES + ((first >>> 16) & 0xff)] as number) ^
    (TABLE[4 * SLICE_ENTRIES + (first >>> 24)] as number) ^
    (TABLE[3 * SLICE_ENTRIES + (second & 0xff)] as number) ^
    (TABLE[2 * SLICE_ENTRIES + ((second >>> 8) & 0xff)] as number) ^
    (TABLE[SLICE_ENTRIES + ((second >>> 16) & 0xff)] as number) ^
    (TABLE[second >>> 24] as number)
  );
}

function rest(checksum: number, bytes: Uint8Array, from: number, end: number): number {
  let crc = checksum;
  for (let at = from; at < end; at++) {
    crc = (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return crc;
}

/** Returns a table of so many slices, in the order of `TABLE`. */
export function sliceTable(slices: number): Int32Array {
  const table = new Int32Array(slices * SLICE_ENTRIES);
  for (let byte = 0; byte < SLICE_ENTRIES; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = SLICE_ENTRIES; at < table.length; at++) {
    const crc = table[at - SLICE_ENTRIES] as number;
    table[at] = (table[crc & 0xff] as number) ^ (crc >>> 8);
  }
  return table;
}
