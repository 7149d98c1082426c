// The core's messages in bytes: kind, from, to, term, then the fields in the order of core/message.ts.

import { assert, unreachable } from '../../../shared/assert.ts';
import type { Entry } from '../core/entry.ts';
import type { AppendRequest, Message } from '../core/message.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { MAX_SERVER_ID_BYTES } from './configuration-codec.ts';
import { MIN_ENTRY_BYTES, readEntry, writeEntry } from './entry-codec.ts';
import { malformed } from './malformed.ts';

/** A change of these numbers or of any field needs a new protocol version (transport/hello.ts). */
const KINDS = {
  'pre-vote-request': 1,
  'pre-vote-response': 2,
  'vote-request': 3,
  'vote-response': 4,
  'append-request': 5,
  'append-response': 6,
  'heartbeat-request': 7,
  'heartbeat-response': 8,
  'read-index-request': 9,
  'read-index-response': 10,
  'timeout-now': 11,
} as const satisfies Record<Message['kind'], number>;

/** More than `maxAppendBytes` of the core allows: each entry counts for at least 24 bytes (core/entry.ts). */
export const MAX_ENTRIES_A_REQUEST = 32_768;

export function writeRaftMessage(writer: ByteWriter, message: Message): void {
  writer.u8(KINDS[message.kind]);
  writer.string(message.from, MAX_SERVER_ID_BYTES);
  writer.string(message.to, MAX_SERVER_ID_BYTES);
  writer.varint(message.term);
  switch (message.kind) {
    case 'pre-vote-request':
      writer.varint(message.lastLogIndex);
      writer.varint(message.lastLogTerm);
      return;
    case 'vote-request':
      writer.varint(message.lastLogIndex);
      writer.varint(message.lastLogTerm);
      writer.boolean(message.leadershipTransfer);
      return;
    case 'pre-vote-response':
    case 'vote-response':
      writer.boolean(message.granted);
      return;
    case 'append-request':
      writeAppendRequest(writer, message);
      return;
    case 'append-response':
      writer.boolean(message.success);
      writer.varint(message.index);
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      return;
    case 'heartbeat-request':
      writer.varint(message.commitIndex);
      writer.varint(message.readRound);
      return;
    case 'heartbeat-response':
      writer.varint(message.readRound);
      return;
    case 'read-index-request':
      writer.varint(message.requestId);
      return;
    case 'read-index-response':
      writer.varint(message.requestId);
      writer.varint(message.readIndex);
      return;
    case 'timeout-now':
      return;
    default:
      unreachable(message);
  }
}

function writeAppendRequest(writer: ByteWriter, message: AppendRequest): void {
  assert(message.entries.length <= MAX_ENTRIES_A_REQUEST, 'an append request has too many entries');
  writer.varint(message.previousLogIndex);
  writer.varint(message.previousLogTerm);
  writer.varint(message.commitIndex);
  writer.varint(message.entries.length);
  for (const entry of message.entries) writeEntry(writer, entry);
}

/** Throws CodedError `malformed`. Fields are read in the order in which they are written here. */
export function readRaftMessage(reader: ByteReader): Message {
  const kind = reader.u8();
  const from = reader.string(MAX_SERVER_ID_BYTES);
  const to = reader.string(MAX_SERVER_ID_BYTES);
  const term = reader.varint();
  switch (kind) {
    case KINDS['pre-vote-request']:
      return {
        kind: 'pre-vote-request',
        from,
        to,
        term,
        lastLogIndex: reader.varint(),
        lastLogTerm: reader.varint(),
      };
    case KINDS['pre-vote-response']:
      return { kind: 'pre-vote-response', from, to, term, granted: reader.boolean() };
    case KINDS['vote-request']:
      return {
        kind: 'vote-request',
        from,
        to,
        term,
        lastLogIndex: reader.varint(),
        lastLogTerm: reader.varint(),
        leadershipTransfer: reader.boolean(),
      };
    case KINDS['vote-response']:
      return { kind: 'vote-response', from, to, term, granted: reader.boolean() };
    case KINDS['append-request']:
      return readAppendRequest(reader, { from, to, term });
    case KINDS['append-response']:
      return {
        kind: 'append-response',
        from,
        to,
        term,
        success: reader.boolean(),
        index: reader.varint(),
        hintIndex: reader.varint(),
        hintTerm: reader.varint(),
      };
    case KINDS['heartbeat-request']:
      return {
        kind: 'heartbeat-request',
        from,
        to,
        term,
        commitIndex: reader.varint(),
        readRound: reader.varint(),
      };
    case KINDS['heartbeat-response']:
      return { kind: 'heartbeat-response', from, to, term, readRound: reader.varint() };
    case KINDS['read-index-request']:
      return { kind: 'read-index-request', from, to, term, requestId: reader.varint() };
    case KINDS['read-index-response']:
      return {
        kind: 'read-index-response',
        from,
        to,
        term,
        requestId: reader.varint(),
        readIndex: reader.varint(),
      };
    case KINDS['timeout-now']:
      return { kind: 'timeout-now', from, to, term };
    default:
      throw malformed(`there is no kind of Raft message ${kind}`);
  }
}

type Envelope = Pick<AppendRequest, 'from' | 'to' | 'term'>;

function readAppendRequest(reader: ByteReader, { from, to, term }: Envelope): AppendRequest {
  const previousLogIndex = reader.varint();
  const previousLogTerm = reader.varint();
  const commitIndex = reader.varint();
  const entries: Entry[] = [];
  for (let left = reader.count(MIN_ENTRY_BYTES, MAX_ENTRIES_A_REQUEST); left > 0; left--) {
    const entry = readEntry(reader);
    const expectedIndex = previousLogIndex + entries.length + 1;
    if (entry.index !== expectedIndex) {
      throw malformed(`entry ${entry.index} stands where entry ${expectedIndex} belongs`);
    }
    entries.push(entry);
  }
  return { kind: 'append-request', from, to, term, previousLogIndex, previousLogTerm, entries, commitIndex };
}
