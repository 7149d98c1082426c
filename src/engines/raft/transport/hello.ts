// The first frame on every connection, and its answer.
//
// Magic and version come first in both, in every future version too: a node can always tell another one that
// their versions differ.

import { ByteReader } from '../codec/byte-reader.ts';
import type { ByteWriter } from '../codec/byte-writer.ts';
import { MAX_SERVER_ID_BYTES } from '../codec/configuration-codec.ts';
import { malformed } from '../codec/malformed.ts';
import type { PeerIdentity, RefusalReason } from '../node/ports/transport.ts';

/**
 * The version of everything on the wire: hello, messages (codec/message-codec.ts), frames of the snapshot
 * channel, and the farm's commands and rows in them. Nodes that wrote those differently would have different
 * states. 2: commands and rows are arrays. 3: a snapshot is an image of the sender's store. 4: the image's
 * free list names each page by itself. For tests: they speak it, and others.
 */
export const PROTOCOL_VERSION = 4;
/** The longest hello or answer. */
export const MAX_HELLO_BYTES = 1024;

const MAGIC = new Uint8Array([0x52, 0x33, 0x44, 0x0a]);
const MAX_CLUSTER_ID_BYTES = 256;

/** Sent as the position in this list. */
const PURPOSES = ['messages', 'channel', 'probe'] as const;
const ACCEPTED = 0;
/** Sent as the position in this list, counted from 1. */
const REFUSAL_REASONS: readonly RefusalReason[] = [
  'version',
  'foreign-cluster',
  'wrong-server',
  'unknown-server',
  'removed',
  'not-member-yet',
];

export type ServerId = PeerIdentity['server'];

export interface Hello {
  readonly purpose: (typeof PURPOSES)[number];
  readonly identity: PeerIdentity;
  /** The server that the dialler wants to reach; undefined for a probe. */
  readonly expectedServer: ServerId | undefined;
}

export type HelloAnswer =
  | { readonly kind: 'accepted'; readonly identity: PeerIdentity }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

export function writeHello(writer: ByteWriter, { purpose, identity, expectedServer }: Hello): void {
  writePreamble(writer, PROTOCOL_VERSION);
  writer.u8(PURPOSES.indexOf(purpose));
  writeIdentity(writer, identity);
  writer.string(expectedServer ?? '', MAX_SERVER_ID_BYTES);
}

/** Throws CodedError `malformed`. */
export function decodeHello(bytes: Uint8Array): Hello | 'other-version' {
  const reader = new ByteReader(bytes);
  if (readVersion(reader) !== PROTOCOL_VERSION) return 'other-version';
  const purpose = PURPOSES[reader.u8()];
  if (purpose === undefined) throw malformed('a hello has no known purpose');
  const identity = readIdentity(reader);
  const expectedServer = reader.string(MAX_SERVER_ID_BYTES);
  reader.end();
  return { purpose, identity, expectedServer: expectedServer === '' ? undefined : expectedServer };
}

export function writeHelloAnswer(writer: ByteWriter, answer: HelloAnswer): void {
  writePreamble(writer, PROTOCOL_VERSION);
  if (answer.kind === 'accepted') {
    writer.u8(ACCEPTED);
    writeIdentity(writer, answer.identity);
  } else {
    writer.u8(1 + REFUSAL_REASONS.indexOf(answer.reason));
  }
}

/** Throws CodedError `malformed`. */
export function decodeHelloAnswer(bytes: Uint8Array): HelloAnswer {
  const reader = new ByteReader(bytes);
  if (readVersion(reader) !== PROTOCOL_VERSION) return { kind: 'refused', reason: 'version' };
  const verdict = reader.u8();
  const identity = verdict === ACCEPTED ? readIdentity(reader) : undefined;
  reader.end();
  if (identity !== undefined) return { kind: 'accepted', identity };
  const reason = REFUSAL_REASONS[verdict - 1];
  if (reason === undefined) throw malformed(`there is no refusal ${verdict}`);
  return { kind: 'refused', reason };
}

/** Writes magic and version. For tests: they speak versions that do not exist yet. */
export function writePreamble(writer: ByteWriter, version: number): void {
  writer.raw(MAGIC);
  writer.varint(version);
}

function readVersion(reader: ByteReader): number {
  const magic = reader.raw(MAGIC.length);
  if (!MAGIC.every((byte, at) => magic[at] === byte)) throw malformed('this is no hello of a Raft3D node');
  return reader.varint();
}

function writeIdentity(writer: ByteWriter, identity: PeerIdentity): void {
  writer.string(identity.server, MAX_SERVER_ID_BYTES);
  writer.string(identity.clusterId, MAX_CLUSTER_ID_BYTES);
}

function readIdentity(reader: ByteReader): PeerIdentity {
  const server = reader.string(MAX_SERVER_ID_BYTES);
  if (server === '') throw malformed('a node has no name');
  return { server, clusterId: reader.string(MAX_CLUSTER_ID_BYTES) };
}
