import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entries, peerMessages, proposals } from '../../../../verify/kit/arbitrary-messages.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { MAX_MEMBERS, MAX_REMEMBERED_REMOVALS } from '../core/configuration.ts';
import { ByteWriter } from './byte-writer.ts';
import { decodeEntry, encodeEntry } from './entry-codec.ts';
import { decodePeerMessage, encodePeerMessage, MAX_PROPOSALS_A_MESSAGE } from './message-codec.ts';
import { decodeProposal, encodeProposal, encodeProposals } from './proposal-codec.ts';
import { MAX_ENTRIES_A_REQUEST } from './raft-message-codec.ts';

interface Codec {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  readonly encode: (value: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

const CODECS: readonly Codec[] = [
  { name: 'message', values: peerMessages, encode: encodePeerMessage, decode: decodePeerMessage },
  { name: 'entry', values: entries, encode: encodeEntry, decode: decodeEntry },
  { name: 'proposal', values: proposals, encode: encodeProposal, decode: decodeProposal },
];

const malformed = expect.objectContaining({ code: 'malformed' });

test.each(CODECS)('a $name decodes to the value that was encoded', ({ values, encode, decode }) => {
  fc.assert(
    fc.property(values, (value) => {
      expect(decode(encode(value as never))).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test.each(CODECS)(
  'every truncation and every extension of a $name is malformed',
  ({ values, encode, decode }) => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encode(value as never);
        for (let length = 0; length < bytes.length; length++) {
          expect(() => decode(bytes.subarray(0, length))).toThrow(malformed);
        }
        expect(() => decode(new Uint8Array([...bytes, 0]))).toThrow(malformed);
      }),
      { numRuns: 50 },
    );
  },
);

/** Every value has one spelling, so bytes that decode must encode to the same bytes. */
function decodesExactlyOrNotAtAll({ encode, decode }: Codec, bytes: Uint8Array): void {
  let decoded: unknown;
  try {
    decoded = decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toEqual(malformed);
    return;
  }
  expect(encode(decoded as never)).toEqual(bytes);
}

test.each(CODECS)('a $name of random bytes is malformed or exact, never anything else', (codec) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => decodesExactlyOrNotAtAll(codec, bytes)),
    { numRuns: 1000 },
  );
});

test.each(CODECS)('a $name with one changed byte is malformed or exact, never anything else', (codec) => {
  fc.assert(
    fc.property(codec.values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, position, change) => {
      const bytes = codec.encode(value as never);
      const at = position % bytes.length;
      decodesExactlyOrNotAtAll(
        codec,
        bytes.map((byte, index) => (index === at ? byte ^ change : byte)),
      );
    }),
    { numRuns: 1000 },
  );
});

test('entries that do not follow the previous index one by one are malformed', () => {
  const bytes = encodePeerMessage({
    kind: 'raft',
    message: {
      kind: 'append-request',
      from: 'a@1',
      to: 'b@1',
      term: 2,
      previousLogIndex: 4,
      previousLogTerm: 1,
      entries: [
        { kind: 'leader-start', index: 5, term: 2 },
        { kind: 'leader-start', index: 7, term: 2 },
      ],
      commitIndex: 4,
    },
  });
  expect(() => decodePeerMessage(bytes)).toThrow('entry 7 stands where entry 6 belongs');
});

test.each(['forwarded-proposals', 'proposals-refused'] as const)(
  '%s with more items than the bound are malformed before memory is reserved',
  (kind) => {
    const list = new ByteWriter();
    list.u8(kind === 'forwarded-proposals' ? 2 : 3);
    if (kind === 'proposals-refused') list.u8(0);
    list.varint(MAX_PROPOSALS_A_MESSAGE + 1);
    list.raw(new Uint8Array(MAX_PROPOSALS_A_MESSAGE + 1));
    expect(() => decodePeerMessage(list.take())).toThrow(`${MAX_PROPOSALS_A_MESSAGE} are the most`);
  },
);

test('an append request with more entries than the bound is malformed', () => {
  const request = {
    kind: 'append-request' as const,
    ...{ from: 'a@1', to: 'b@1', term: 2, previousLogIndex: 0, previousLogTerm: 0, commitIndex: 0 },
    entries: Array.from({ length: MAX_ENTRIES_A_REQUEST }, (_, at) => ({
      kind: 'leader-start' as const,
      index: at + 1,
      term: 2,
    })),
  };
  const bytes = encodePeerMessage({ kind: 'raft', message: request });
  expect(decodePeerMessage(bytes)).toMatchObject({ message: { entries: { length: MAX_ENTRIES_A_REQUEST } } });
  const count = new ByteWriter();
  count.varint(MAX_ENTRIES_A_REQUEST);
  const at = Buffer.from(bytes).indexOf(count.take());
  const more = new ByteWriter();
  more.varint(MAX_ENTRIES_A_REQUEST + 1);
  const changed = bytes.slice();
  changed.set(more.take(), at);
  expect(() => decodePeerMessage(changed)).toThrow(`${MAX_ENTRIES_A_REQUEST} are the most`);
});

test('a configuration with unsorted members is malformed', () => {
  const member = { role: 'voter' as const, raftAddress: 'h:1', httpAddress: 'h:2' };
  const bytes = encodeEntry({
    kind: 'configuration',
    index: 1,
    term: 1,
    configuration: {
      members: [
        { ...member, server: 'b@1' },
        { ...member, server: 'a@1' },
      ],
      removed: [],
    },
  });
  expect(() => decodeEntry(bytes)).toThrow('not sorted');
});

test('the largest configuration that the core allows can be encoded', () => {
  const server = (number: number): string => `node${String(number).padStart(3, '0')}@1`;
  const entry = {
    kind: 'configuration' as const,
    index: 1,
    term: 1,
    configuration: {
      members: Array.from({ length: MAX_MEMBERS }, (_, number) => ({
        server: server(number),
        role: 'learner' as const,
        raftAddress: 'h:1',
        httpAddress: 'h:2',
      })),
      removed: Array.from({ length: MAX_REMEMBERED_REMOVALS }, (_, number) => server(number)),
    },
  };
  expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
});

test('proposals encoded together have the same bytes as each alone', () => {
  fc.assert(
    fc.property(fc.array(proposals, { maxLength: 5 }), (several) => {
      const together = encodeProposals(several);
      expect(together.map((bytes) => [...bytes])).toEqual(several.map((each) => [...encodeProposal(each)]));
      expect(together.map(decodeProposal)).toEqual(several);
    }),
  );
});
