import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { OperationArena } from './operation-arena.ts';

/** Returns one string, which compares much faster than an array of numbers. */
function textOf(operation: WriteOperation): string {
  const value = operation.kind === 'put' ? Buffer.from(operation.value).toString('latin1') : '';
  return `${operation.kind} ${Buffer.from(operation.key).toString('latin1')} ${value}`;
}

test('an operation of any length is read back unchanged after the caller reuses its bytes', () => {
  const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key: bytes(40), value: bytes(200) }),
    fc.record({ kind: fc.constant('delete' as const), key: bytes(40) }),
    // As long as a chunk, and longer.
    fc
      .constantFrom(60_000, 65_528, 65_529, 65_530, 150_000)
      .map((length) => ({ kind: 'put' as const, key: new Uint8Array(1), value: new Uint8Array(length) })),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), (operations: WriteOperation[]) => {
      const arena = new OperationArena();
      const expected = operations.map(textOf);
      const places = operations.map((given) => arena.add(given));
      for (const given of operations) given.key.fill(0xee);
      expect(new Set(places).size).toBe(places.length);
      expect(places.map((place) => textOf(arena.at(place)))).toEqual(expected);
    }),
  );
});
