// Proposals in bytes, as the data of command entries and as nodes forward them to the leader.

import { ByteReader, decodeText } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { MAX_SERVER_ID_BYTES } from './configuration-codec.ts';
import type { Proposal } from './peer-message.ts';

/** The size of a server id of common length and of four numbers. */
const EXPECTED_OVERHEAD_BYTES = 64;

/** For tests: the product encodes the proposals of a batch together. */
export function encodeProposal(proposal: Proposal): Uint8Array {
  const writer = new ByteWriter();
  writeProposal(writer, proposal);
  return writer.take();
}

/**
 * Returns views of one buffer, which must not change. The log keeps thousands of proposals for a moment, and
 * V8 manages every separate buffer at a cost.
 */
export function encodeProposals(proposals: readonly Proposal[]): Uint8Array[] {
  let expectedBytes = 0;
  for (const { command } of proposals) expectedBytes += EXPECTED_OVERHEAD_BYTES + command.length;
  const writer = new ByteWriter(expectedBytes);
  const ends = proposals.map((proposal) => {
    writeProposal(writer, proposal);
    return writer.length;
  });
  const bytes = writer.take();
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

function writeProposal(writer: ByteWriter, { origin, command }: Proposal): void {
  writer.string(origin.server, MAX_SERVER_ID_BYTES);
  writer.varint(origin.boot);
  writer.varint(origin.sequence);
  writer.varint(origin.settledBelow);
  writer.bytes(command);
}

/** The command is a view of `bytes`, which must not change. Throws CodedError `malformed`. */
export function decodeProposal(bytes: Uint8Array): Proposal {
  const reader = new ByteReader(bytes);
  const origin = {
    server: readServer(reader),
    boot: reader.varint(),
    sequence: reader.varint(),
    settledBelow: reader.varint(),
  };
  const command = reader.bytes();
  reader.end();
  return { origin, command };
}

/** Most proposals come from the same server as the one before. */
let lastServer = { bytes: new Uint8Array(0), text: '' };

function readServer(reader: ByteReader): string {
  const bytes = reader.bytes(MAX_SERVER_ID_BYTES);
  if (!isSame(bytes, lastServer.bytes)) lastServer = { bytes: bytes.slice(), text: decodeText(bytes) };
  return lastServer.text;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
