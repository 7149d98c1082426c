// Lies: the bytes that a program outside of the cluster, or under a false name, may send to a Raft port.

import fc from 'fast-check';
import { ByteWriter } from '../../src/engines/raft/codec/byte-writer.ts';
import { crc32 } from '../../src/engines/raft/codec/crc32.ts';
import { encodeFrame, FrameDecoder } from '../../src/engines/raft/codec/frame.ts';
import { decodePeerMessage, encodePeerMessage } from '../../src/engines/raft/codec/message-codec.ts';
import type { PeerMessage } from '../../src/engines/raft/codec/peer-message.ts';
import type { Message } from '../../src/engines/raft/core/message.ts';
import {
  encodeSnapshotFrame,
  type SnapshotFrame,
} from '../../src/engines/raft/node/snapshots/snapshot-frames.ts';
import {
  type Hello,
  PROTOCOL_VERSION,
  writeHello,
  writePreamble,
} from '../../src/engines/raft/transport/hello.ts';
import { byteStrings, peerMessages, raftMessages } from '../kit/arbitrary-messages.ts';
import { type Damage, damaged, damages } from './bytes.ts';
import { snapshotFrames } from './codecs.ts';

/** The node that a liar talks to, as far as the liar knows it. */
export interface Victim {
  readonly server: string;
  readonly clusterId: string;
  readonly term: number;
  readonly commitIndex: number;
  /** Another member. */
  readonly member: string;
}

/**
 * The claimed identity. `stranger` and `old-incarnation` know the cluster id and are let in: they could be a
 * leader that this node's log does not know yet. `member` cannot be told from the real one without TLS.
 */
const CLAIMS = ['foreign', 'no-cluster', 'stranger', 'old-incarnation', 'itself', 'member'] as const;
export type Claim = (typeof CLAIMS)[number];

export interface Lie {
  readonly hello: 'right' | 'wrong-incarnation' | 'other-version' | 'none' | 'twice';
  readonly claim: Claim;
  readonly purpose: Hello['purpose'];
  readonly before: Uint8Array;
  readonly messages: readonly Said[];
  readonly ending: 'close' | 'cut' | 'half-open';
  /** Bytes of one write; 0: all at once. */
  readonly pieceBytes: number;
}

/** One frame. `stale` Raft messages are of an earlier term, like late or repeated ones. */
export type Said =
  | { readonly kind: 'any'; readonly message: PeerMessage }
  | { readonly kind: 'stale'; readonly message: Message; readonly termBack: number }
  | { readonly kind: 'for-another'; readonly message: Message }
  | { readonly kind: 'snapshot'; readonly frame: SnapshotFrame; readonly place: 'stale' | 'now' | 'later' }
  | { readonly kind: 'flood'; readonly count: number; readonly chunkBytes: number }
  | { readonly kind: 'damaged'; readonly message: PeerMessage; readonly damage: Damage }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'length'; readonly length: number };

const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('any' as const), message: peerMessages }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('stale' as const),
      message: raftMessages,
      termBack: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('for-another' as const), message: raftMessages }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('snapshot' as const),
      frame: snapshotFrames,
      place: fc.constantFrom('stale' as const, 'now' as const, 'later' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('flood' as const),
      count: fc.constantFrom(1, 3, 40, 400),
      chunkBytes: fc.constantFrom(0, 1, 5_000, 100_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('damaged' as const), message: peerMessages, damage: damages }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('bytes' as const), bytes: byteStrings }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('length' as const),
      length: fc.constantFrom(0, 1_025, 1_048_577, 8_388_608, 8_388_609, 16_777_215),
    }),
  },
);

export const lies: fc.Arbitrary<Lie> = fc.record({
  hello: fc.oneof(
    { weight: 10, arbitrary: fc.constant('right' as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'wrong-incarnation' as const,
        'other-version' as const,
        'none' as const,
        'twice' as const,
      ),
    },
  ),
  claim: fc.constantFrom(...CLAIMS),
  purpose: fc.oneof(
    { weight: 5, arbitrary: fc.constant('messages' as const) },
    { weight: 3, arbitrary: fc.constant('channel' as const) },
    { weight: 1, arbitrary: fc.constant('probe' as const) },
  ),
  before: fc.oneof(
    { weight: 12, arbitrary: fc.constant(new Uint8Array(0)) },
    { weight: 1, arbitrary: byteStrings },
  ),
  messages: fc.array(said, { maxLength: 6 }),
  ending: fc.constantFrom('close' as const, 'cut' as const, 'half-open' as const),
  pieceBytes: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(1, 7, 100) },
  ),
});

/** Whether the node must refuse this connection, whatever follows the hello. */
export function mustBeRefused({ hello, claim, before, purpose }: Lie): boolean {
  if (hello === 'none' || hello === 'other-version' || before.length > 0) return true;
  if (purpose === 'probe') return false;
  return hello === 'wrong-incarnation' || claim === 'foreign' || claim === 'no-cluster' || claim === 'itself';
}

export function bytesOf(lie: Lie, victim: Victim): Uint8Array {
  const from = nameOf(lie.claim, victim);
  const frames = lie.messages.map((one) => frameOf(one, { lie, victim, from }));
  return Buffer.concat([lie.before, ...helloFrames(lie, victim), ...frames]);
}

function nameOf(claim: Claim, { server, member }: Victim): string {
  if (claim === 'itself') return server;
  if (claim === 'member') return member;
  return claim === 'old-incarnation' ? `${member.split('@')[0]}@0123456789abcdef` : 'stranger@1';
}

function helloFrames({ hello, claim, purpose }: Lie, victim: Victim): Uint8Array[] {
  if (hello === 'none') return [];
  if (hello === 'other-version') return [framed((writer) => writePreamble(writer, PROTOCOL_VERSION + 1))];
  const clusterId = claim === 'foreign' ? 'ffffffffffffffff' : claim === 'no-cluster' ? '' : victim.clusterId;
  const expectedServer = hello === 'wrong-incarnation' ? `${victim.server}0` : victim.server;
  const identity = { server: nameOf(claim, victim), clusterId };
  const one = framed((writer) => writeHello(writer, { purpose, identity, expectedServer }));
  return hello === 'twice' ? [one, one] : [one];
}

function frameOf(one: Said, { lie, victim, from }: { lie: Lie; victim: Victim; from: string }): Uint8Array {
  // A liar that is let in sends only messages of a late or faulty server: with others it could act as leader.
  const isLetIn = !mustBeRefused(lie);
  switch (one.kind) {
    case 'any':
      return encodeFrame(
        encodePeerMessage(
          isLetIn
            ? harmless(one.message, { victim, from, claim: lie.claim })
            : addressed(one.message, from, victim.server),
        ),
      );
    case 'stale': {
      const term = Math.max(0, victim.term - 1 - one.termBack);
      return encodeFrame(
        encodePeerMessage({ kind: 'raft', message: { ...one.message, from, to: victim.server, term } }),
      );
    }
    case 'for-another':
      return encodeFrame(
        encodePeerMessage({ kind: 'raft', message: { ...one.message, from, to: 'somebody@1' } }),
      );
    case 'snapshot':
      return encodeFrame(encodeSnapshotFrame(placed(one, victim)));
    case 'flood':
      return flood(one, victim);
    case 'damaged': {
      const bytes = spoilt(encodeFrame(encodePeerMessage(one.message)), one.damage);
      // Damaged bytes may still be a request, or become one.
      const message = isLetIn ? messageIn(bytes) : undefined;
      return message !== undefined && isARequest(message, lie.claim)
        ? encodeFrame(encodePeerMessage(SOMETHING_HARMLESS))
        : bytes;
    }
    case 'bytes':
      return one.bytes;
    case 'length':
      return headerOf(one.length);
  }
}

function addressed(message: PeerMessage, from: string, to: string): PeerMessage {
  return message.kind === 'raft' ? { kind: 'raft', message: { ...message.message, from, to } } : message;
}

function harmless(
  message: PeerMessage,
  { victim, from, claim }: { victim: Victim; from: string; claim: Claim },
): PeerMessage {
  if (message.kind === 'raft') {
    return {
      kind: 'raft',
      message: { ...message.message, from, to: victim.server, term: Math.max(0, victim.term - 1) },
    };
  }
  return isARequest(message, claim) ? SOMETHING_HARMLESS : message;
}

/** The address is on this machine, since the node dials it. */
const SOMETHING_HARMLESS: PeerMessage = { kind: 'introduction', raftAddress: '127.0.0.1:1' };

/** Whether a node acts on this message: it takes forwarded requests from a member, and addresses from all. */
function isARequest({ kind }: PeerMessage, claim: Claim): boolean {
  if (kind === 'introduction') return true;
  return claim === 'member' && (kind === 'forwarded-proposals' || kind === 'forwarded-member-change');
}

/** Returns the message of the first frame; undefined where it is not whole. */
function messageIn(bytes: Uint8Array): PeerMessage | undefined {
  try {
    const decoder = new FrameDecoder();
    decoder.push(bytes);
    const payload = decoder.next();
    return payload && decodePeerMessage(payload);
  } catch {
    return undefined;
  }
}

/** More than a liar ever sends, so that its images never end. */
const ENDLESS_BYTES = 1_000_000_000;

/** Returns a snapshot frame of a transfer that never ends. */
function placed({ frame, place }: Said & { kind: 'snapshot' }, { term, commitIndex }: Victim): SnapshotFrame {
  if (frame.kind !== 'begin') return frame;
  const sizeBytes = Math.min(frame.sizeBytes + ENDLESS_BYTES, Number.MAX_SAFE_INTEGER);
  switch (place) {
    case 'stale':
      return { ...frame, sizeBytes, term: term - 1 };
    case 'now':
      return { ...frame, sizeBytes, term, point: { ...frame.point, index: commitIndex } };
    case 'later':
      return { ...frame, sizeBytes, term, point: { ...frame.point, index: commitIndex + 1_000, term } };
  }
}

/** Returns a valid beginning, and chunks that do not wait for acknowledgements. */
function flood({ count, chunkBytes }: Said & { kind: 'flood' }, { term, commitIndex }: Victim): Uint8Array {
  const point = {
    index: commitIndex + 1_000,
    term,
    configurationIndex: 1,
    configuration: { members: [], removed: [] },
  };
  const sizeBytes = ENDLESS_BYTES;
  const begin = encodeFrame(
    encodeSnapshotFrame({ kind: 'begin', snapshotId: 'flood', term, point, sizeBytes }),
  );
  const bytes = new Uint8Array(chunkBytes).fill(0x78);
  const chunks = Array.from({ length: count }, (_, number) =>
    encodeFrame(encodeSnapshotFrame({ kind: 'chunk', offset: number * chunkBytes, bytes })),
  );
  return Buffer.concat([begin, ...chunks]);
}

/** Damages a frame. Half of the time the payload is damaged and the checksum is valid. */
function spoilt(frame: Uint8Array, damage: Damage): Uint8Array {
  if (damage.kind === 'cut' || damage.kind === 'append') return damaged(frame, damage);
  const whole = damaged(frame, damage);
  return crc32(whole) % 2 === 0 ? whole : encodeFrame(damaged(frame.subarray(8), damage));
}

function headerOf(length: number): Uint8Array {
  const [high, middle, low] = [length >>> 16, (length >>> 8) & 0xff, length & 0xff];
  return new Uint8Array([high, middle, low, high ^ middle ^ low ^ 0xff, 0, 0, 0, 0]);
}

function framed(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return encodeFrame(writer.take());
}
