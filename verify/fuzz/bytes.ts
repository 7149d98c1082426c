// Damage to valid bytes.

import fc from 'fast-check';

export type Damage =
  | { readonly kind: 'none' }
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  | { readonly kind: 'overwrite'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'append'; readonly bytes: Uint8Array }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number };

/** Places are fractions of the length, so that a case shrinks together with the bytes that it damages. */
const places = fc.nat({ max: 9_999 });

const fewBytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 9 }),
  // Edge values of lengths and numbers, and overlong encodings.
  fc.constantFrom(
    new Uint8Array([0]),
    new Uint8Array([0xff]),
    new Uint8Array([0x80, 0x00]),
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f]),
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
    new Uint8Array([0xed, 0xa0, 0x80]),
    new Uint8Array([0xc0, 0x80]),
    new Uint8Array([0xef, 0xbb, 0xbf]),
  ),
);

export const damages: fc.Arbitrary<Damage> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('flip' as const),
      at: places,
      mask: fc.integer({ min: 1, max: 255 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('overwrite' as const), at: places, bytes: fewBytes }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('insert' as const), at: places, bytes: fewBytes }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      at: places,
      length: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: places }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('append' as const), bytes: fewBytes }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('repeat' as const),
      at: places,
      length: fc.integer({ min: 1, max: 40 }),
    }),
  },
);

/** Returns a damaged copy of `bytes`. */
export function damaged(bytes: Uint8Array, damage: Damage): Uint8Array {
  switch (damage.kind) {
    case 'none':
      return bytes.slice();
    case 'flip': {
      const copy = bytes.slice();
      const at = placeIn(bytes, damage.at);
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ damage.mask;
      return copy;
    }
    case 'overwrite': {
      const copy = bytes.slice();
      const at = placeIn(bytes, damage.at);
      copy.set(damage.bytes.subarray(0, copy.length - at), at);
      return copy;
    }
    case 'insert': {
      const at = placeIn(bytes, damage.at);
      return joined(bytes.subarray(0, at), damage.bytes, bytes.subarray(at));
    }
    case 'remove': {
      const at = placeIn(bytes, damage.at);
      return joined(bytes.subarray(0, at), bytes.subarray(at + damage.length));
    }
    case 'cut':
      return bytes.slice(0, placeIn(bytes, damage.at));
    case 'append':
      return joined(bytes, damage.bytes);
    case 'repeat': {
      const at = placeIn(bytes, damage.at);
      return joined(bytes.subarray(0, at + damage.length), bytes.subarray(at));
    }
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function placeIn(bytes: Uint8Array, at: number): number {
  return Math.min(Math.floor((at / 10_000) * bytes.length), Math.max(0, bytes.length - 1));
}
