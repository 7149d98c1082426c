// The core's messages in bytes.

import { assert } from '../../../shared/assert.ts';
import type { Entry } from '../core/entry.ts';
import type { AppendRequest, HeartbeatRequest, HeartbeatResponse, Message } from '../core/message.ts';
import { boolean, type Codec, text, union, varint } from './codec.ts';
import { MAX_SERVER_ID_BYTES } from './configuration-codec.ts';
import { checkConsecutive, MIN_ENTRY_BYTES, readEntry, writeEntry } from './entry-codec.ts';

/** More than `maxAppendBytes` of the core allows: each entry counts for at least 24 bytes (core/entry.ts). */
export const MAX_ENTRIES_A_REQUEST = 32_768;

const serverId = text(MAX_SERVER_ID_BYTES);
const envelope = { from: serverId, to: serverId, term: varint };
const lastLog = { lastLogIndex: varint, lastLogTerm: varint };

const appendRequest: Codec<AppendRequest> = {
  write: (writer, message) => {
    assert(message.entries.length <= MAX_ENTRIES_A_REQUEST, 'an append request has too many entries');
    writer.string(message.from, MAX_SERVER_ID_BYTES);
    writer.string(message.to, MAX_SERVER_ID_BYTES);
    writer.varint(message.term);
    writer.varint(message.previousLogIndex);
    writer.varint(message.previousLogTerm);
    writer.varint(message.commitIndex);
    writer.varint(message.entries.length);
    for (const entry of message.entries) writeEntry(writer, entry);
  },
  read: (reader) => {
    const from = reader.string(MAX_SERVER_ID_BYTES);
    const to = reader.string(MAX_SERVER_ID_BYTES);
    const term = reader.varint();
    const previousLogIndex = reader.varint();
    const previousLogTerm = reader.varint();
    const commitIndex = reader.varint();
    const entries: Entry[] = [];
    for (let left = reader.count(MIN_ENTRY_BYTES, MAX_ENTRIES_A_REQUEST); left > 0; left--) {
      entries.push(readEntry(reader));
    }
    checkConsecutive(entries, previousLogIndex + 1);
    return {
      kind: 'append-request',
      from,
      to,
      term,
      previousLogIndex,
      previousLogTerm,
      entries,
      commitIndex,
    };
  },
};

/** Over one connection, each linearizable read sends two heartbeats and receives their answers. */
const heartbeatRequest: Codec<HeartbeatRequest> = {
  write: (writer, message) => {
    writer.string(message.from, MAX_SERVER_ID_BYTES);
    writer.string(message.to, MAX_SERVER_ID_BYTES);
    writer.varint(message.term);
    writer.varint(message.commitIndex);
    writer.varint(message.readRound);
  },
  read: (reader) => ({
    kind: 'heartbeat-request',
    from: reader.string(MAX_SERVER_ID_BYTES),
    to: reader.string(MAX_SERVER_ID_BYTES),
    term: reader.varint(),
    commitIndex: reader.varint(),
    readRound: reader.varint(),
  }),
};

const heartbeatResponse: Codec<HeartbeatResponse> = {
  write: (writer, message) => {
    writer.string(message.from, MAX_SERVER_ID_BYTES);
    writer.string(message.to, MAX_SERVER_ID_BYTES);
    writer.varint(message.term);
    writer.varint(message.readRound);
  },
  read: (reader) => ({
    kind: 'heartbeat-response',
    from: reader.string(MAX_SERVER_ID_BYTES),
    to: reader.string(MAX_SERVER_ID_BYTES),
    term: reader.varint(),
    readRound: reader.varint(),
  }),
};

/** A change of these numbers or of any field needs a new protocol version (transport/hello.ts). */
export const raftMessage = union<Message>('kind of Raft message', {
  'pre-vote-request': [1, { ...envelope, ...lastLog }],
  'pre-vote-response': [2, { ...envelope, granted: boolean }],
  'vote-request': [3, { ...envelope, ...lastLog, leadershipTransfer: boolean }],
  'vote-response': [4, { ...envelope, granted: boolean }],
  'append-request': [5, appendRequest],
  'append-response': [
    6,
    { ...envelope, success: boolean, index: varint, hintIndex: varint, hintTerm: varint },
  ],
  'heartbeat-request': [7, heartbeatRequest],
  'heartbeat-response': [8, heartbeatResponse],
  'read-index-request': [9, { ...envelope, requestId: varint }],
  'read-index-response': [10, { ...envelope, requestId: varint, readIndex: varint }],
  'timeout-now': [11, envelope],
});
