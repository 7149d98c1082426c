import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import { checkSealed, openSealed, seal, sealText, sealWritten } from './sealed-record.ts';
import { adjacentRow } from './testing/rows.ts';

const keys = fc.uint8Array({ minLength: 1, maxLength: 20 });
const payloads = fc.uint8Array({ maxLength: 60 });
const damage = expect.objectContaining({ code: 'record_damaged' });

test('a sealed record opens under its key', () => {
  fc.assert(
    fc.property(keys, payloads, (key, payload) => {
      expect(openSealed(key, seal(key, payload))).toEqual(payload);
    }),
  );
});

test("a writer's content is sealed like the same bytes", () => {
  fc.assert(
    fc.property(keys, payloads, (key, payload) => {
      const writer = new ByteWriter(payload.length);
      writer.raw(payload);
      expect(sealWritten(key, writer)).toEqual(seal(key, payload));
    }),
  );
});

test.each(['', '["a",1]', 'ü', 'x'.repeat(300)])('a text is sealed like its bytes: %#', (text) => {
  const key = new TextEncoder().encode('key');
  expect(sealText(key, text)).toEqual(seal(key, new TextEncoder().encode(text)));
});

test('every truncation and every changed byte is damage', () => {
  fc.assert(
    fc.property(keys, payloads, fc.integer({ min: 1, max: 255 }), (key, payload, change) => {
      const sealed = seal(key, payload);
      for (let at = 0; at < sealed.length; at++) {
        expect(() => openSealed(key, sealed.subarray(0, at))).toThrow(damage);
        const changed = sealed.map((byte, index) => (index === at ? byte ^ change : byte));
        expect(() => openSealed(key, changed)).toThrow(damage);
      }
    }),
    { numRuns: 30 },
  );
});

test('a record under another key is damage, and the error names that key', () => {
  const sealed = seal(new Uint8Array([1, 2]), new Uint8Array([3]));
  expect(() => openSealed(new Uint8Array([1, 255]), sealed)).toThrow(
    expect.objectContaining({ code: 'record_damaged', fields: { key: '01ff' } }),
  );
});

test('a row is checked in place with the same result as when it is opened', () => {
  fc.assert(
    fc.property(keys, payloads, fc.integer({ min: 1, max: 255 }), (key, payload, change) => {
      const sealed = seal(key, payload);
      expect(() => checkSealed(adjacentRow(key, sealed))).not.toThrow();
      for (let at = 0; at < sealed.length; at++) {
        expect(() => checkSealed(adjacentRow(key, sealed.subarray(0, at)))).toThrow(damage);
        const changed = sealed.map((byte, index) => (index === at ? byte ^ change : byte));
        expect(() => checkSealed(adjacentRow(key, changed))).toThrow(damage);
      }
      const other = key.map((byte, index) => (index === 0 ? byte ^ change : byte));
      expect(() => checkSealed(adjacentRow(other, sealed))).toThrow(damage);
    }),
    { numRuns: 30 },
  );
});
