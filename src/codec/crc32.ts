// CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), eight bytes a step by the slicing-by-8 method
// (Kounavis and Berry 2005): it runs over every byte that is stored or sent.

import { assert } from '../shared/assert.ts';

const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/** Entry b of slice k: what byte b does to the checksum from k bytes before the end of a step. */
type Slice = Int32Array;
type Slices = readonly [Slice, Slice, Slice, Slice, Slice, Slice, Slice, Slice];
const [T0, T1, T2, T3, T4, T5, T6, T7] = buildSlices();

/** The same function as `crc32`. */
export type Crc32 = (bytes: Uint8Array, seed: number) => number;

/** From here on a call out of JavaScript, where there is one, costs less than it saves. */
const LONG_BYTES = 256;
const CHECK = { text: '123456789', checksum: 0xcbf43926 };
let ofLongBytes: Crc32 | undefined;

/**
 * The checksum of `bytes`, an integer from 0 to 2³² - 1. Pass the checksum of what came before as `seed` to go
 * on: crc32(b, crc32(a)) is the checksum of a followed by b.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  if (ofLongBytes !== undefined && bytes.length >= LONG_BYTES) return ofLongBytes(bytes, seed);
  return crc32Between(bytes, 0, bytes.length, seed);
}

/** Has the platform's own function, which must be the same one, do what is long; undefined: there is none. */
export function leaveLongChecksumsTo(platform: Crc32 | undefined): void {
  const bytes = Uint8Array.from(CHECK.text, (character) => character.charCodeAt(0));
  assert(platform === undefined || platform(bytes, 0) === CHECK.checksum, 'another checksum than ours');
  ofLongBytes = platform;
}

/** The checksum of the bytes `from` ≤ position < `end`, which must be there: for millions of short pieces of one block. */
export function crc32Between(bytes: Uint8Array, from: number, end: number, seed = 0): number {
  const stepsEnd = end - ((end - from) % SLICES);
  let crc = ~seed;
  let at = from;
  // `as number`: every index is in range, and this loop is too hot for a check that never fails.
  for (; at < stepsEnd; at += SLICES) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (T7[crc & 0xff] as number) ^
      (T6[(crc >>> 8) & 0xff] as number) ^
      (T5[(crc >>> 16) & 0xff] as number) ^
      (T4[crc >>> 24] as number) ^
      (T3[bytes[at + 4] as number] as number) ^
      (T2[bytes[at + 5] as number] as number) ^
      (T1[bytes[at + 6] as number] as number) ^
      (T0[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) {
    crc = (T0[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

function buildSlices(): Slices {
  const first = new Int32Array(256).map((_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const next = (slice: Slice): Slice => slice.map((crc) => (first[crc & 0xff] as number) ^ (crc >>> 8));
  const second = next(first);
  const third = next(second);
  const fourth = next(third);
  const fifth = next(fourth);
  const sixth = next(fifth);
  const seventh = next(sixth);
  return [first, second, third, fourth, fifth, sixth, seventh, next(seventh)];
}
