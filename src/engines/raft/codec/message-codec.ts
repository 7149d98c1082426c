// The messages of peer-message.ts in bytes.

import { assert, unreachable } from '../../../shared/assert.ts';
import type { MemberChange, MemberChangeOutcome } from '../../engine.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { MAX_ADDRESS_BYTES } from './configuration-codec.ts';
import { malformed } from './malformed.ts';
import type { PeerMessage, ProposalsRefused } from './peer-message.ts';
import { readRaftMessage, writeRaftMessage } from './raft-message-codec.ts';

/** A change of these numbers or of any field needs a new protocol version (transport/hello.ts). */
const KINDS = {
  raft: 1,
  'forwarded-proposals': 2,
  'proposals-refused': 3,
  'forwarded-member-change': 4,
  'member-change-answer': 5,
  introduction: 6,
} as const satisfies Record<PeerMessage['kind'], number>;

const CHANGES = { add: 1, remove: 2 } as const satisfies Record<MemberChange['kind'], number>;
const OUTCOMES = { done: 1, refused: 2, 'no-leader': 3, unknown: 4 } as const satisfies Record<
  MemberChangeOutcome['kind'],
  number
>;

/** A value of these lists is sent as its position in the list. */
const REFUSAL_REASONS: readonly ProposalsRefused['reason'][] = ['not-leader', 'too-busy', 'disk-full'];
const RESULTING_ROLES = ['voter', 'learner', 'removed'] as const;

/**
 * Bound on the proposals of one message, forwarded or refused. A proposal takes at least one byte in a frame
 * and some hundred in memory, so without a bound one frame could fill the memory.
 */
export const MAX_PROPOSALS_A_MESSAGE = 1_024;
const MAX_NODE_ID_BYTES = 256;
const MAX_CODE_BYTES = 64;
const MAX_SENTENCE_BYTES = 4096;

/** For tests: the product writes messages into frames. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const writer = new ByteWriter();
  writePeerMessage(writer, message);
  return writer.take();
}

/** Byte strings of the message are views of `bytes`, which must not change. Throws CodedError `malformed`. */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  const reader = new ByteReader(bytes);
  const message = readPeerMessage(reader);
  reader.end();
  return message;
}

export function writePeerMessage(writer: ByteWriter, message: PeerMessage): void {
  writer.u8(KINDS[message.kind]);
  switch (message.kind) {
    case 'raft':
      writeRaftMessage(writer, message.message);
      return;
    case 'forwarded-proposals':
      writeCount(writer, message.proposals);
      for (const proposal of message.proposals) writer.bytes(proposal);
      return;
    case 'proposals-refused':
      writer.u8(REFUSAL_REASONS.indexOf(message.reason));
      writeCount(writer, message.sequences);
      for (const sequence of message.sequences) writer.varint(sequence);
      return;
    case 'forwarded-member-change':
      writer.varint(message.requestId);
      writeMemberChange(writer, message.change);
      return;
    case 'member-change-answer':
      writer.varint(message.requestId);
      writeOutcome(writer, message.outcome);
      return;
    case 'introduction':
      writer.string(message.raftAddress, MAX_ADDRESS_BYTES);
      return;
    default:
      unreachable(message);
  }
}

function readPeerMessage(reader: ByteReader): PeerMessage {
  const kind = reader.u8();
  switch (kind) {
    case KINDS.raft:
      return { kind: 'raft', message: readRaftMessage(reader) };
    case KINDS['forwarded-proposals']:
      return { kind: 'forwarded-proposals', proposals: readList(reader, () => reader.bytes()) };
    case KINDS['proposals-refused']: {
      const reason = readChoice(reader, REFUSAL_REASONS);
      return { kind: 'proposals-refused', reason, sequences: readList(reader, () => reader.varint()) };
    }
    case KINDS['forwarded-member-change']:
      return {
        kind: 'forwarded-member-change',
        requestId: reader.varint(),
        change: readMemberChange(reader),
      };
    case KINDS['member-change-answer']:
      return { kind: 'member-change-answer', requestId: reader.varint(), outcome: readOutcome(reader) };
    case KINDS.introduction:
      return { kind: 'introduction', raftAddress: reader.string(MAX_ADDRESS_BYTES) };
    default:
      throw malformed(`there is no kind of message ${kind}`);
  }
}

function writeCount(writer: ByteWriter, { length }: readonly unknown[]): void {
  assert(length <= MAX_PROPOSALS_A_MESSAGE, `a message has at most ${MAX_PROPOSALS_A_MESSAGE} proposals`);
  writer.varint(length);
}

function writeMemberChange(writer: ByteWriter, change: MemberChange): void {
  writer.u8(CHANGES[change.kind]);
  writer.string(change.node, MAX_NODE_ID_BYTES);
  if (change.kind === 'remove') return;
  writer.string(change.peerAddress, MAX_ADDRESS_BYTES);
  writer.string(change.httpAddress, MAX_ADDRESS_BYTES);
}

function readMemberChange(reader: ByteReader): MemberChange {
  const kind = reader.u8();
  const node = reader.string(MAX_NODE_ID_BYTES);
  if (kind === CHANGES.remove) return { kind: 'remove', node };
  if (kind !== CHANGES.add) throw malformed(`there is no kind of member change ${kind}`);
  const peerAddress = reader.string(MAX_ADDRESS_BYTES);
  return { kind: 'add', node, peerAddress, httpAddress: reader.string(MAX_ADDRESS_BYTES) };
}

function writeOutcome(writer: ByteWriter, outcome: MemberChangeOutcome): void {
  writer.u8(OUTCOMES[outcome.kind]);
  if (outcome.kind === 'done') {
    writer.string(outcome.leaderAddress, MAX_ADDRESS_BYTES);
    writer.u8(RESULTING_ROLES.indexOf(outcome.role));
  } else if (outcome.kind === 'refused') {
    writer.string(outcome.code, MAX_CODE_BYTES);
    writer.string(outcome.message, MAX_SENTENCE_BYTES);
  }
}

function readOutcome(reader: ByteReader): MemberChangeOutcome {
  const kind = reader.u8();
  switch (kind) {
    case OUTCOMES.done: {
      const leaderAddress = reader.string(MAX_ADDRESS_BYTES);
      return { kind: 'done', leaderAddress, role: readChoice(reader, RESULTING_ROLES) };
    }
    case OUTCOMES.refused: {
      const code = reader.string(MAX_CODE_BYTES);
      return { kind: 'refused', code, message: reader.string(MAX_SENTENCE_BYTES) };
    }
    case OUTCOMES['no-leader']:
      return { kind: 'no-leader' };
    case OUTCOMES.unknown:
      return { kind: 'unknown' };
    default:
      throw malformed(`there is no outcome ${kind} of a member change`);
  }
}

function readChoice<T>(reader: ByteReader, choices: readonly T[]): T {
  const position = reader.u8();
  const choice = choices[position];
  if (choice === undefined) throw malformed(`${position} is none of ${choices.length} choices`);
  return choice;
}

function readList<T>(reader: ByteReader, readItem: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.count(1, MAX_PROPOSALS_A_MESSAGE); left > 0; left--) items.push(readItem());
  return items;
}
