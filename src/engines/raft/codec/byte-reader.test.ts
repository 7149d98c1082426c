import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteStrings, texts, wholeNumbers } from '../../../../verify/kit/arbitrary-messages.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

const malformed = expect.objectContaining({ code: 'malformed' });

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.take();
}

test('values are read back as written, in the same order', () => {
  const values = fc.record({
    u8: fc.nat({ max: 0xff }),
    u32: fc.nat({ max: 0xffff_ffff }),
    varint: wholeNumbers,
    boolean: fc.boolean(),
    bytes: byteStrings,
    string: texts,
    longString: fc.string({ unit: 'binary', minLength: 100, maxLength: 200 }),
  });
  fc.assert(
    fc.property(values, (value) => {
      const bytes = written((writer) => {
        writer.u8(value.u8);
        writer.u32(value.u32);
        writer.varint(value.varint);
        writer.boolean(value.boolean);
        writer.bytes(value.bytes);
        writer.string(value.string, 1000);
        writer.string(value.longString, 1000);
      });
      const reader = new ByteReader(bytes);
      expect({
        u8: reader.u8(),
        u32: reader.u32(),
        varint: reader.varint(),
        boolean: reader.boolean(),
        bytes: reader.bytes(),
        string: reader.string(1000),
        longString: reader.string(1000),
      }).toEqual(value);
      reader.end();
    }),
  );
});

test('numbers of fixed width are big-endian, so their bytes sort like the numbers', () => {
  expect([...written((writer) => writer.u32(0x01020304))]).toEqual([1, 2, 3, 4]);
});

test('a varint takes one byte below 128 and never more than eight', () => {
  expect(written((writer) => writer.varint(127))).toHaveLength(1);
  expect(written((writer) => writer.varint(128))).toHaveLength(2);
  expect(written((writer) => writer.varint(Number.MAX_SAFE_INTEGER))).toHaveLength(8);
});

test.each([
  ['a varint that ends early', [0x80], (reader: ByteReader) => reader.varint()],
  ['a varint with a needless byte', [0x80, 0x00], (reader: ByteReader) => reader.varint()],
  [
    'a varint above 2^53-1',
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f],
    (reader: ByteReader) => reader.varint(),
  ],
  ['a varint without end', Array(9).fill(0x81), (reader: ByteReader) => reader.varint()],
  ['a number below its minimum', [0], (reader: ByteReader) => reader.varint(1)],
  ['a truth value of 2', [2], (reader: ByteReader) => reader.boolean()],
  ['bytes that end early', [3, 1, 2], (reader: ByteReader) => reader.bytes()],
  ['bytes over their bound', [3, 1, 2, 3], (reader: ByteReader) => reader.bytes(2)],
  ['text over its bound', [3, 65, 66, 67], (reader: ByteReader) => reader.string(2)],
  ['text that is not UTF-8', [2, 0xc3, 0x28], (reader: ByteReader) => reader.string(10)],
  ['more items than there is room for', [3, 1, 1], (reader: ByteReader) => reader.count(1)],
  ['more items than allowed', [2, 1, 1], (reader: ByteReader) => reader.count(1, 1)],
  ['bytes after the end', [1], (reader: ByteReader) => reader.end()],
])('%s is malformed', (_, bytes, read) => {
  expect(() => read(new ByteReader(new Uint8Array(bytes)))).toThrow(malformed);
});

test('a writer asserts what its reader would refuse', () => {
  const writer = new ByteWriter();
  for (const value of [-1, 1.5, Number.NaN, 2 ** 53]) {
    expect(() => writer.varint(value)).toThrow('varint');
  }
  expect(() => writer.u8(256)).toThrow('u8');
  expect(() => writer.u32(2 ** 32)).toThrow('u32');
  expect(() => writer.string('four', 3)).toThrow('bound');
});

test('bytes that a writer handed over do not change with later writes', () => {
  const writer = new ByteWriter();
  writer.raw(new Uint8Array([1, 2, 3]));
  const first = writer.take();
  writer.raw(new Uint8Array([9, 9, 9, 9]));
  expect([...first]).toEqual([1, 2, 3]);
  expect([...writer.take()]).toEqual([9, 9, 9, 9]);
});

test('a truncated writer continues from its new end', () => {
  const writer = new ByteWriter();
  writer.raw(new Uint8Array([1, 2, 3]));
  writer.truncate(1);
  writer.u8(7);
  expect([...writer.take()]).toEqual([1, 7]);
});
