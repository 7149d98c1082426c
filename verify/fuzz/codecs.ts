// Every encoder and decoder of bytes from outside: arbitrary values, and the errors that the decoder may
// throw.

import fc from 'fast-check';
import { ByteReader } from '../../src/engines/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../src/engines/raft/codec/byte-writer.ts';
import { readConfiguration, writeConfiguration } from '../../src/engines/raft/codec/configuration-codec.ts';
import { readBlock, writeBlock } from '../../src/engines/raft/codec/entry-block-codec.ts';
import { decodeEntry, encodeEntry } from '../../src/engines/raft/codec/entry-codec.ts';
import { decodePeerMessage, encodePeerMessage } from '../../src/engines/raft/codec/message-codec.ts';
import { decodeProposal, encodeProposal } from '../../src/engines/raft/codec/proposal-codec.ts';
import { openSealed, seal } from '../../src/engines/raft/codec/sealed-record.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  type SnapshotFrame,
} from '../../src/engines/raft/node/snapshots/snapshot-frames.ts';
import {
  decodeHello,
  decodeHelloAnswer,
  type Hello,
  type HelloAnswer,
  writeHello,
  writeHelloAnswer,
} from '../../src/engines/raft/transport/hello.ts';
import {
  byteStrings,
  configurations,
  entries,
  entryBlocks,
  peerMessages,
  proposals,
  texts,
  wholeNumbers,
} from '../kit/arbitrary-messages.ts';

/** An encoder and decoder. The decoded value is only given to the same codec's encoder. */
export interface Codec {
  readonly name: string;
  /** Valid bytes. */
  readonly encoded: fc.Arbitrary<Uint8Array>;
  /** Decodes `bytes`, and encodes the value again. */
  recoded(bytes: Uint8Array): Uint8Array;
  /** The codes of the errors that the decoder may throw. */
  readonly codes: readonly string[];
}

interface CodecParts<T> {
  readonly values: fc.Arbitrary<T>;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  readonly codes?: readonly string[];
}

function codec<T>(name: string, { values, encode, decode, codes = ['malformed'] }: CodecParts<T>): Codec {
  return { name, encoded: values.map(encode), recoded: (bytes) => encode(decode(bytes)), codes };
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

const helloIdentities = fc.record({
  server: fc.string({ minLength: 1, maxLength: 20 }),
  clusterId: texts,
});

const hellos: fc.Arbitrary<Hello> = fc.record({
  purpose: fc.constantFrom('messages' as const, 'channel' as const, 'probe' as const),
  identity: helloIdentities,
  expectedServer: fc.option(fc.string({ minLength: 1, maxLength: 20 }), { nil: undefined }),
});

const helloAnswers: fc.Arbitrary<HelloAnswer> = fc.oneof(
  fc.record({ kind: fc.constant('accepted' as const), identity: helloIdentities }),
  fc.record({
    kind: fc.constant('refused' as const),
    reason: fc.constantFrom(
      'version' as const,
      'foreign-cluster' as const,
      'wrong-server' as const,
      'unknown-server' as const,
      'removed' as const,
      'not-member-yet' as const,
    ),
  }),
);

export const snapshotFrames: fc.Arbitrary<SnapshotFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('begin' as const),
    snapshotId: texts,
    term: wholeNumbers,
    point: fc.record({
      index: wholeNumbers,
      term: wholeNumbers,
      configurationIndex: wholeNumbers,
      configuration: configurations,
    }),
    sizeBytes: wholeNumbers,
  }),
  fc.record({ kind: fc.constant('resume' as const), offset: wholeNumbers }),
  fc.record({ kind: fc.constant('chunk' as const), offset: wholeNumbers, bytes: byteStrings }),
  fc.record({ kind: fc.constant('acknowledged' as const), offset: wholeNumbers }),
  fc.record({ kind: fc.constant('installed' as const), index: wholeNumbers }),
  fc.record({ kind: fc.constant('refused' as const), reason: texts }),
);

const OTHER_VERSION = 'other-version';

/** The log index of the first entry in the damaged blocks. */
const FIRST_OF_BLOCK = 7;

/** The key of the damaged sealed records. */
const SEAL_KEY = new TextEncoder().encode('l\0\0\0\0\0\x07');

export const CODECS: readonly Codec[] = [
  codec('messages', { values: peerMessages, encode: encodePeerMessage, decode: decodePeerMessage }),
  codec('entries', { values: entries, encode: encodeEntry, decode: decodeEntry }),
  codec('entry-blocks', {
    values: entryBlocks(FIRST_OF_BLOCK),
    encode: (value) => writeBlock(value).take(),
    decode: (bytes) => readBlock(bytes, FIRST_OF_BLOCK),
  }),
  codec('proposals', { values: proposals, encode: encodeProposal, decode: decodeProposal }),
  codec('configurations', {
    values: configurations,
    encode: (value) => written((writer) => writeConfiguration(writer, value)),
    decode: (bytes) => {
      const reader = new ByteReader(bytes);
      const value = readConfiguration(reader);
      reader.end();
      return value;
    },
  }),
  codec('snapshot-frames', {
    values: snapshotFrames,
    encode: encodeSnapshotFrame,
    decode: decodeSnapshotFrame,
    codes: ['malformed'],
  }),
  {
    name: 'hellos',
    encoded: hellos.map((hello) => written((writer) => writeHello(writer, hello))),
    recoded: (bytes) => {
      const hello = decodeHello(bytes);
      // Whatever follows the version is not for us to read.
      return hello === OTHER_VERSION ? bytes : written((writer) => writeHello(writer, hello));
    },
    codes: ['malformed'],
  },
  {
    name: 'hello-answers',
    encoded: helloAnswers.map((answer) => written((writer) => writeHelloAnswer(writer, answer))),
    recoded: (bytes) => {
      const answer = decodeHelloAnswer(bytes);
      if (answer.kind === 'refused' && answer.reason === 'version') return bytes;
      return written((writer) => writeHelloAnswer(writer, answer));
    },
    codes: ['malformed'],
  },
  {
    name: 'sealed-records',
    encoded: byteStrings.map((payload) => seal(SEAL_KEY, payload)),
    recoded: (bytes) => seal(SEAL_KEY, openSealed(SEAL_KEY, bytes)),
    codes: ['record_damaged'],
  },
];
