import fc from 'fast-check';
import { expect, test } from 'vitest';
import { present } from '../../../shared/assert.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { encodeFrame, FRAME_HEADER_BYTES, FrameDecoder, MAX_FRAME_PAYLOAD_BYTES } from './frame.ts';

const payloads = fc.uint8Array({ maxLength: 50 });

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function drain(decoder: FrameDecoder): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) found.push(payload);
  return found;
}

test('payloads are the same however the stream is divided', () => {
  fc.assert(
    fc.property(fc.array(payloads, { maxLength: 6 }), fc.array(fc.nat({ max: 20 })), (sent, cuts) => {
      const stream = join(sent.map(encodeFrame));
      const decoder = new FrameDecoder();
      const received: Uint8Array[] = [];
      let offset = 0;
      for (const size of [...cuts, stream.length]) {
        decoder.push(stream.subarray(offset, offset + size));
        received.push(...drain(decoder));
        offset = Math.min(offset + size, stream.length);
      }
      expect(received).toEqual(sent);
      expect(decoder.atBoundary).toBe(true);
    }),
  );
});

test('every truncation of a frame yields nothing, and the stream may not end there', () => {
  fc.assert(
    fc.property(payloads, (payload) => {
      const frame = encodeFrame(payload);
      for (let length = 1; length < frame.length; length++) {
        const decoder = new FrameDecoder();
        decoder.push(frame.subarray(0, length));
        expect(decoder.next()).toBeUndefined();
        expect(decoder.atBoundary).toBe(false);
      }
    }),
  );
});

test('every changed byte of a frame is malformed', () => {
  fc.assert(
    fc.property(payloads, fc.integer({ min: 1, max: 255 }), (payload, change) => {
      const frame = encodeFrame(payload);
      for (let at = 0; at < frame.length; at++) {
        const decoder = new FrameDecoder();
        decoder.push(frame.map((byte, index) => (index === at ? byte ^ change : byte)));
        expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'malformed' }));
      }
    }),
  );
});

test('random bytes give only payloads, a wait for more, or the coded error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const decoder = new FrameDecoder();
      decoder.push(bytes);
      try {
        drain(decoder);
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
        expect(error).toEqual(expect.objectContaining({ code: 'malformed' }));
      }
    }),
  );
});

test('a frame over the decoder’s bound is refused from its header alone', () => {
  const decoder = new FrameDecoder(10);
  decoder.push(encodeFrame(new Uint8Array(11)).subarray(0, FRAME_HEADER_BYTES));
  expect(() => decoder.next()).toThrow('over the bound of 10');
});

test('the largest frame passes, and one byte more is a bug of the sender', () => {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame(new Uint8Array(MAX_FRAME_PAYLOAD_BYTES)));
  expect(decoder.next()?.length).toBe(MAX_FRAME_PAYLOAD_BYTES);
  expect(() => encodeFrame(new Uint8Array(MAX_FRAME_PAYLOAD_BYTES + 1))).toThrow('fits no frame');
});

test('the memory of a long payload is reused only after it was given back', () => {
  const decoder = new FrameDecoder();
  const take = (value: number): Uint8Array => {
    const frame = encodeFrame(new Uint8Array(100_000).fill(value));
    decoder.push(frame.subarray(0, 50_000));
    expect(decoder.next()).toBeUndefined();
    decoder.push(frame.subarray(50_000));
    return present(decoder.next(), 'the frame is whole');
  };
  const first = take(1);
  const second = take(2);
  expect(second.buffer).not.toBe(first.buffer);
  decoder.giveBack(first.subarray(10));
  const third = take(3);
  expect(third.buffer).toBe(first.buffer);
  expect(third).toEqual(new Uint8Array(100_000).fill(3));
  expect(second).toEqual(new Uint8Array(100_000).fill(2));
  // Memory that is given back twice is not lent twice.
  decoder.giveBack(third);
  decoder.giveBack(third);
  expect(take(4).buffer).not.toBe(take(5).buffer);
});

test('memory that the decoder did not lend is not reused for a payload', () => {
  const decoder = new FrameDecoder();
  const chunk = join([encodeFrame(new Uint8Array([1])), encodeFrame(new Uint8Array(70_000).fill(7))]);
  decoder.push(chunk);
  const [, payload] = drain(decoder);
  decoder.giveBack(present(payload, 'both came'));
  decoder.push(encodeFrame(new Uint8Array(70_000)).subarray(0, 30_000));
  decoder.next();
  expect(payload).toEqual(new Uint8Array(70_000).fill(7));
});

test('a payload does not change while the next chunks are read', () => {
  const frame = encodeFrame(new Uint8Array([1, 2, 3, 4]));
  const decoder = new FrameDecoder();
  decoder.push(frame.subarray(0, 9));
  expect(decoder.next()).toBeUndefined();
  decoder.push(frame.subarray(9));
  const first = decoder.next();
  decoder.push(encodeFrame(new Uint8Array([9, 9, 9, 9])));
  decoder.next();
  expect(first).toEqual(new Uint8Array([1, 2, 3, 4]));
});
