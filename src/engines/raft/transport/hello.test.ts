import fc from 'fast-check';
import { expect, test } from 'vitest';
import { texts } from '../../../../verify/kit/arbitrary-messages.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import {
  decodeHello,
  decodeHelloAnswer,
  type Hello,
  type HelloAnswer,
  MAX_HELLO_BYTES,
  PROTOCOL_VERSION,
  writeHello,
  writeHelloAnswer,
  writePreamble,
} from './hello.ts';

const names = texts.filter((name) => name !== '');
const identities = fc.record({ server: names, clusterId: texts });
const hellos: fc.Arbitrary<Hello> = fc.record({
  purpose: fc.constantFrom('messages' as const, 'channel' as const, 'probe' as const),
  identity: identities,
  expectedServer: fc.option(names, { nil: undefined }),
});
const answers: fc.Arbitrary<HelloAnswer> = fc.oneof(
  fc.record({ kind: fc.constant('accepted' as const), identity: identities }),
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

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

const encodeHello = (hello: Hello): Uint8Array => written((writer) => writeHello(writer, hello));
const encodeAnswer = (answer: HelloAnswer): Uint8Array =>
  written((writer) => writeHelloAnswer(writer, answer));

test('every hello and every answer is decoded as it was encoded', () => {
  fc.assert(
    fc.property(hellos, answers, (hello, answer) => {
      expect(decodeHello(encodeHello(hello))).toEqual(hello);
      expect(decodeHelloAnswer(encodeAnswer(answer))).toEqual(answer);
    }),
  );
});

test('a hello of another version is recognised, whatever follows the version', () => {
  const bytes = written((writer) => {
    writePreamble(writer, PROTOCOL_VERSION + 1);
    writer.raw(new Uint8Array([1, 2, 3]));
  });
  expect(decodeHello(bytes)).toBe('other-version');
  expect(decodeHelloAnswer(bytes)).toEqual({ kind: 'refused', reason: 'version' });
});

test('a hello with another magic, without a name, cut off or too long is malformed', () => {
  const hello = encodeHello({
    purpose: 'messages',
    identity: { server: 'a@1', clusterId: 'c' },
    expectedServer: 'b@1',
  });
  const nameless = encodeHello({
    purpose: 'messages',
    identity: { server: '', clusterId: 'c' },
    expectedServer: 'b@1',
  });
  const foreign = hello.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
  for (const bytes of [foreign, nameless, hello.subarray(0, -1), new Uint8Array([...hello, 0])]) {
    expect(() => decodeHello(bytes)).toThrow(CodedError);
  }
});

test('the longest hello fits into MAX_HELLO_BYTES', () => {
  const hello = encodeHello({
    purpose: 'messages',
    identity: { server: 's'.repeat(256), clusterId: 'c'.repeat(256) },
    expectedServer: 'e'.repeat(256),
  });
  expect(hello.length).toBeLessThanOrEqual(MAX_HELLO_BYTES);
});
