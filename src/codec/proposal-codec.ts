// Proposals in bytes: the data of command entries, and what nodes forward to the leader.

import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { MAX_SERVER_ID_BYTES } from './configuration-codec.ts';
import type { Proposal } from './peer-message.ts';

/** A server id of common length, four numbers at their longest. */
const EXPECTED_OVERHEAD_BYTES = 128;

export function encodeProposal({ origin, command }: Proposal): Uint8Array {
  const writer = new ByteWriter(EXPECTED_OVERHEAD_BYTES + command.length);
  writer.string(origin.server, MAX_SERVER_ID_BYTES);
  writer.varint(origin.boot);
  writer.varint(origin.sequence);
  writer.varint(origin.settledBelow);
  writer.bytes(command);
  return writer.take();
}

/** The command is a view of `bytes`, which must not change afterwards. Throws CodedError `malformed`. */
export function decodeProposal(bytes: Uint8Array): Proposal {
  const reader = new ByteReader(bytes);
  const origin = {
    server: reader.string(MAX_SERVER_ID_BYTES),
    boot: reader.varint(),
    sequence: reader.varint(),
    settledBelow: reader.varint(),
  };
  const command = reader.bytes();
  reader.end();
  return { origin, command };
}
