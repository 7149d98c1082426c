// Tests that each judge finds the faults it is for.

import { expect, test } from 'vitest';
import { encodeFrame, FrameDecoder } from '../../src/engines/raft/codec/frame.ts';
import { decodePeerMessage } from '../../src/engines/raft/codec/message-codec.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { judgeDecoding } from './codec-ideas.ts';
import { judgeStream } from './frame-ideas.ts';
import { type Answer, judgeAnswer, readAnswer } from './http-answer.ts';
import { HttpModel } from './http-model.ts';
import { bytesOf, type Claim, type Said } from './peer-lies.ts';
import { withinTime } from './within-time.ts';

const BYTES = new Uint8Array([1, 2, 3]);

function codecOf(recoded: (bytes: Uint8Array) => Uint8Array) {
  return { name: 'x', encoded: undefined as never, codes: ['malformed'], recoded };
}

test('a decoder that throws an untyped error, or reads another value, is a finding', () => {
  const refusing = codecOf(() => {
    throw new CodedError('malformed', 'no');
  });
  expect(judgeDecoding(refusing, BYTES)).toBe('refused');
  expect(
    judgeDecoding(
      codecOf((bytes) => bytes.slice()),
      BYTES,
    ),
  ).toBe('valid');
  const other = codecOf(() => {
    throw new CodedError('internal', 'no');
  });
  expect(() => judgeDecoding(other, BYTES)).toThrow('no');
  expect(() =>
    judgeDecoding(
      codecOf(() => new Uint8Array([1])),
      BYTES,
    ),
  ).toThrow('encoded again as 01');
  const changing = codecOf((bytes) => bytes.fill(0));
  expect(() => judgeDecoding(changing, BYTES.slice())).toThrow('changed its input bytes');
});

test('whole frames are accepted, and damaged ones are refused', () => {
  const payloads = [new Uint8Array([1]), new Uint8Array(40)];
  expect(judgeStream({ payloads, damages: [], chunkLengths: [3] })).toBe('valid');
  const at = Math.ceil(((encodeFrame(new Uint8Array([1])).length + 20) / 57) * 10_000);
  expect(judgeStream({ payloads, damages: [{ kind: 'flip', at, mask: 1 }], chunkLengths: [5] })).toBe(
    'refused',
  );
});

test('a case that takes too long is a finding', () => {
  const slowly = (): void => {
    for (const until = performance.now() + 20; performance.now() < until; ) void 0;
  };
  expect(() => withinTime(5, slowly)).toThrow('one case took');
});

function answerOf(text: string): Answer {
  const read = readAnswer(Buffer.from(text), { method: 'GET', isClosed: true });
  if (read === undefined) throw new Error(`the answer is not whole: ${text}`);
  return read.answer;
}

const problem = (status: number, code: string): string => {
  const body = JSON.stringify({ type: `urn:raft3d:problem:${code}`, title: 't', detail: 'd', status, code });
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

test.each([
  ['an undocumented status', problem(417, 'invalid_request')],
  ['an error of the node', problem(500, 'internal_error')],
  ['a code of another status', problem(404, 'invalid_request')],
  ['an unknown code', problem(400, 'no_such_code')],
  ['no problem document', 'HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n'],
  ['no JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
])('%s is a finding', (_, text) => {
  const answer = answerOf(text);
  expect(() => judgeAnswer(answer, 'GET')).toThrow();
});

test.each([
  ['no HTTP', 'hello\r\n\r\n'],
  ['a line that is no header', 'HTTP/1.1 200 OK\r\nno header\r\n\r\n'],
  ['a header twice', 'HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n'],
  ['no length', 'HTTP/1.1 200 OK\r\nA: 1\r\n\r\n'],
  ['an early end', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'],
  ['broken JSON', 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{'],
])('%s is not accepted as an answer', (_, text) => {
  expect(() => answerOf(text)).toThrow();
});

test('a documented answer is accepted', () => {
  const answer = answerOf(problem(404, 'not_found'));
  expect(() => judgeAnswer(answer, 'GET')).not.toThrow();
  expect(
    readAnswer(Buffer.from('HTTP/1.1 200 OK\r\nConte'), { method: 'GET', isClosed: false }),
  ).toBeUndefined();
});

const created = (collection: string, row: object) => ({
  status: 201,
  headers: new Map([['location', `/api/v1/${collection}/x`]]),
  body: new Uint8Array(0),
  json: row,
});
const sentRequest = (answer: object, more: object = {}) =>
  ({
    bytes: Buffer.from('POST /'),
    body: undefined,
    bodyText: undefined,
    key: undefined,
    answer,
    ...more,
  }) as never;
const printer = { id: 'p', company: 'a', model: 'b' };

test('the model finds rows created twice, fields that changed, and two answers to one key', () => {
  const body = { collection: 'printers', text: '', isValid: true };
  expect(() =>
    new HttpModel().learn([
      sentRequest(created('printers', printer)),
      sentRequest(created('printers', { ...printer, model: 'c' })),
    ]),
  ).toThrow('created twice');
  expect(() =>
    new HttpModel().learn([
      sentRequest(created('printers', printer), { body, bodyText: '{"id":"p","company":"A"}' }),
    ]),
  ).toThrow('not kept');
  const refused = { status: 400, headers: new Map(), body: new Uint8Array(0), json: {} };
  expect(() => new HttpModel().learn([sentRequest(refused, { body, bodyText: '{}' })])).toThrow(
    'a valid request is refused',
  );
  const twice = [printer, { ...printer, id: 'q' }].map((row) =>
    sentRequest(created('printers', row), { key: 'k' }),
  );
  expect(() => new HttpModel().learn(twice)).toThrow('two answers');
});

test('the model derives the weights of a spool from its jobs', () => {
  const model = new HttpModel();
  const spool = { id: 'f', total_weight_in_grams: 10, remaining_weight_in_grams: 10 };
  const job = { id: 'j', filament_id: 'f', print_weight_in_grams: 2.5, status: 'Queued' };
  model.learn([sentRequest(created('filaments', spool)), sentRequest(created('print_jobs', job))]);
  expect(model.expected('filaments', 'f')).toMatchObject({
    remaining_weight_in_grams: 10,
    reserved_weight_in_grams: 2.5,
  });
  const changed = (status: string) =>
    sentRequest({ ...created('print_jobs', { ...job, status }), status: 200 });
  model.learn([changed('Done'), changed('Running')]);
  expect(model.expected('filaments', 'f')).toMatchObject({
    remaining_weight_in_grams: 7.5,
    reserved_weight_in_grams: 0,
  });
  expect(() => model.learn([changed('Canceled')])).toThrow('a job went from');
});

test('a liar that claims to be a member sends no request that a member may send, damaged or not', () => {
  const victim = { server: 'node1@1', member: 'node2@1', clusterId: 'c', term: 2, commitIndex: 15 };
  const message = { kind: 'forwarded-proposals', proposals: [new Uint8Array([0, 143])] } as const;
  const overwritten = { kind: 'overwrite', at: 6_006, bytes: new Uint8Array([0xed, 0xa0, 0x80]) } as const;
  const says = (one: Said, claim: Claim): string => {
    const lie = { hello: 'right', purpose: 'messages', ending: 'close', pieceBytes: 0 } as const;
    const decoder = new FrameDecoder();
    decoder.push(bytesOf({ ...lie, claim, before: new Uint8Array(0), messages: [one] }, victim));
    decoder.next();
    return decodePeerMessage(decoder.next() ?? BYTES).kind;
  };
  const requests: Said[] = [
    { kind: 'any', message },
    { kind: 'damaged', message, damage: { kind: 'none' } },
    // The damage makes another valid request.
    { kind: 'damaged', message, damage: overwritten },
    { kind: 'damaged', message, damage: { kind: 'append', bytes: BYTES } },
  ];
  for (const one of requests) {
    expect(says(one, 'member')).toBe('introduction');
    expect(says(one, 'stranger')).toBe('forwarded-proposals');
  }
});
