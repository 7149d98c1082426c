import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entryBlocks } from '../../../../verify/kit/arbitrary-messages.ts';
import type { Entry } from '../core/entry.ts';
import { offsetInBlock, readBlock, writeBlock } from './entry-block-codec.ts';
import { EntryScanner } from './entry-codec.ts';

const FIRST = 300;
const malformed = expect.objectContaining({ code: 'malformed' });

function bytesOf(entries: readonly Entry[]): Uint8Array {
  return writeBlock(entries).take();
}

test('a block decodes to the entries that it was made of', () => {
  fc.assert(
    fc.property(entryBlocks(FIRST), (entries) => {
      expect(readBlock(bytesOf(entries), FIRST)).toEqual(entries);
    }),
  );
});

test('a scan finds the same entries as decoding', () => {
  fc.assert(
    fc.property(entryBlocks(FIRST), (entries) => {
      const bytes = bytesOf(entries);
      const scanner = new EntryScanner(bytes);
      for (const entry of entries) {
        expect(scanner.next()).toBe(true);
        const { index, term, commandBytes, other } = scanner;
        expect({ index, term }).toEqual({ index: entry.index, term: entry.term });
        expect(commandBytes).toBe(entry.kind === 'command' ? entry.data.length : 0);
        expect(other).toEqual(entry.kind === 'command' ? undefined : entry);
      }
      expect([scanner.next(), scanner.offset]).toEqual([false, bytes.length]);
    }),
  );
});

test('the bytes before an entry of a block are a block', () => {
  fc.assert(
    fc.property(entryBlocks(FIRST), fc.nat(), (entries, number) => {
      const count = number % entries.length;
      const bytes = bytesOf(entries);
      const beginning = bytes.subarray(0, offsetInBlock(bytes, FIRST + count));
      expect(beginning).toEqual(bytesOf(entries.slice(0, count)));
      expect(() => offsetInBlock(bytes, FIRST + entries.length)).toThrow(malformed);
    }),
  );
});

test('a block that is empty, ends within an entry, or has an entry out of order is malformed', () => {
  fc.assert(
    fc.property(entryBlocks(FIRST), fc.nat(), (entries, number) => {
      const bytes = bytesOf(entries);
      const last = offsetInBlock(bytes, FIRST + entries.length - 1);
      const length = last + 1 + (number % (bytes.length - last));
      if (length < bytes.length) expect(() => readBlock(bytes.subarray(0, length), FIRST)).toThrow(malformed);
      expect(() => readBlock(bytes, FIRST + 1)).toThrow(malformed);
      expect(() => readBlock(bytesOf([...entries, ...entries]), FIRST)).toThrow(malformed);
    }),
  );
  expect(() => readBlock(new Uint8Array(0), FIRST)).toThrow(malformed);
});

test('sealing a written block copies no bytes', () => {
  const data = new Uint8Array(2_000);
  const writer = writeBlock([{ kind: 'command', index: 1, term: 1, data }], 4);
  const before = writer.view().buffer;
  writer.u32(0);
  expect(writer.take().buffer).toBe(before);
});
