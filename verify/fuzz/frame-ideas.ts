// Fuzzes a stream of frames in this process, damaged and cut into chunks. It must give the sent payloads in
// order, up to the damage, and then the typed error or nothing.

import fc from 'fast-check';
import { encodeFrame, FrameDecoder } from '../../src/engines/raft/codec/frame.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { areEqual, damaged, damages, joined } from './bytes.ts';
import { checkProperty } from './check-property.ts';
import { Finding, type Idea } from './idea.ts';
import { withinTime } from './within-time.ts';

const MAX_CASE_MS = 1_000;
/** The decoder's bound: it must not accept longer payloads, whatever a header says. */
const BOUND_BYTES = 200;
/** The CRC-32 of these bytes is the same bytes: a run of ones is a valid checksum and payload. */
const ITS_OWN_CHECKSUM = new Uint8Array([0xff, 0xff, 0xff, 0xff]);

const cases = fc.record({
  payloads: fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }),
  damages: fc.array(damages, { maxLength: 2 }),
  chunkLengths: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

export function judgeStream({ payloads, damages, chunkLengths }: Case): string {
  const whole = joined(...payloads.map(encodeFrame));
  const stream = damages.reduce(damaged, whole);
  const decoder = new FrameDecoder(BOUND_BYTES);
  const received: Uint8Array[] = [];
  let isBroken = false;
  try {
    for (const chunk of chunksOf(stream, chunkLengths)) {
      decoder.push(chunk);
      for (let payload = decoder.next(); payload !== undefined; payload = decoder.next())
        received.push(payload);
    }
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'malformed')) throw error;
    isBroken = true;
  }
  const undamaged = areEqual(stream, whole);
  if (undamaged && (isBroken || received.length !== payloads.length || !decoder.atBoundary)) {
    throw new Finding(`${received.length} of ${payloads.length} payloads came out of an undamaged stream`);
  }
  // Whole payloads may be repeated or lost; a payload that was never sent is a finding.
  const known = [...payloads, new Uint8Array(0), ITS_OWN_CHECKSUM];
  for (const payload of received) {
    if (!known.some((one) => areEqual(one, payload))) {
      throw new Finding(`a payload that was never sent: ${Buffer.from(payload).toString('hex')}`);
    }
  }
  if (undamaged) return 'valid';
  return isBroken ? 'refused' : 'ended or waits';
}

function* chunksOf(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    yield bytes.slice(at, at + length);
    at += length;
  }
}

export const frameIdea: Idea = {
  target: 'transport',
  name: 'frame-streams',
  weight: 2,
  roundCases: 5_000,
  async run({ seed, cases: runs, tally }) {
    checkProperty({ seed, runs, arbitrary: cases }, (value) => {
      const outcome = withinTime(MAX_CASE_MS, () => judgeStream(value));
      tally.count('transport', {
        idea: 'frame-streams',
        kind: value.damages.length === 0 ? 'whole' : 'damaged',
        outcome,
      });
    });
  },
};
