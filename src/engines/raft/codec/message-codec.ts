// The messages of peer-message.ts in bytes.

import type { MemberChange, MemberChangeOutcome } from '../../engine.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { byteString, choice, list, text, union, varint } from './codec.ts';
import { MAX_ADDRESS_BYTES } from './configuration-codec.ts';
import type { PeerMessage } from './peer-message.ts';
import { raftMessage } from './raft-message-codec.ts';

/**
 * Bound on the proposals of one message, forwarded or refused. A proposal takes at least one byte in a frame
 * and some hundred in memory, so without a bound one frame could fill the memory.
 */
export const MAX_PROPOSALS_A_MESSAGE = 1_024;
const MAX_NODE_ID_BYTES = 256;
const MAX_CODE_BYTES = 64;
const MAX_SENTENCE_BYTES = 4096;

const node = text(MAX_NODE_ID_BYTES);
const address = text(MAX_ADDRESS_BYTES);
const proposalBound = { maxItems: MAX_PROPOSALS_A_MESSAGE };

// A change of the numbers below or of any field needs a new protocol version (transport/hello.ts).

const change = union<MemberChange>('kind of member change', {
  add: [1, { node, peerAddress: address, httpAddress: address }],
  remove: [2, { node }],
});

const outcome = union<MemberChangeOutcome>('outcome of a member change', {
  done: [1, { leaderAddress: address, role: choice('role', { voter: 0, learner: 1, removed: 2 }) }],
  refused: [2, { code: text(MAX_CODE_BYTES), message: text(MAX_SENTENCE_BYTES) }],
  'no-leader': [3, {}],
  unknown: [4, {}],
});

const messages = union<PeerMessage>('kind of message', {
  raft: [
    1,
    {
      write: (writer, { message }) => raftMessage.write(writer, message),
      read: (reader) => ({ kind: 'raft', message: raftMessage.read(reader) }),
    },
  ],
  'forwarded-proposals': [2, { proposals: list(byteString, proposalBound) }],
  'proposals-refused': [
    3,
    {
      reason: choice('reason of a refusal', { 'not-leader': 0, 'too-busy': 1, 'disk-full': 2 }),
      sequences: list(varint, proposalBound),
    },
  ],
  'forwarded-member-change': [4, { requestId: varint, change }],
  'member-change-answer': [5, { requestId: varint, outcome }],
  introduction: [6, { raftAddress: address }],
});

export const writePeerMessage = messages.write;

/** For tests: the product writes messages into frames. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const writer = new ByteWriter();
  writePeerMessage(writer, message);
  return writer.take();
}

/** Byte strings of the message are views of `bytes`, which must not change. Throws CodedError `malformed`. */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  const reader = new ByteReader(bytes);
  const message = messages.read(reader);
  reader.end();
  return message;
}
