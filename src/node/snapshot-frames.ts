// What the two ends of a snapshot channel say to each other, in bytes.
//
//   sender: begin · chunk* · end          receiver: resume · acknowledged* · installed | refused
//
// A chunk carries rows in key order and a checksum; it is acknowledged when its rows are durably staged.

import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { readConfiguration, writeConfiguration } from '../codec/configuration-codec.ts';
import { crc32 } from '../codec/crc32.ts';
import type { SnapshotPoint } from '../raft/ready.ts';
import { CodedError } from '../shared/coded-error.ts';
import { MAX_FARM_KEY_BYTES } from './keys.ts';
import type { KeyValueRow } from './ports.ts';

export type SnapshotFrame =
  | {
      readonly kind: 'begin';
      /** Names this picture of the sender's store: only the same one can be resumed. */
      readonly snapshotId: string;
      /** The sender's term as leader. */
      readonly term: number;
      readonly point: SnapshotPoint;
    }
  /** Send the rows after this key; empty: all of them. */
  | { readonly kind: 'resume'; readonly afterKey: Uint8Array }
  | { readonly kind: 'chunk'; readonly sequence: number; readonly rows: readonly KeyValueRow[] }
  | { readonly kind: 'acknowledged'; readonly sequence: number }
  /** How many rows there are in all. */
  | { readonly kind: 'end'; readonly rowCount: number }
  | { readonly kind: 'installed'; readonly index: number }
  | { readonly kind: 'refused'; readonly reason: string };

const CODES = {
  begin: 1,
  resume: 2,
  chunk: 3,
  acknowledged: 4,
  end: 5,
  installed: 6,
  refused: 7,
} as const;

/** Chunks that are sent and not yet acknowledged. */
export const MAX_CHUNKS_UNDER_WAY = 4;
/** Far more than a sender puts into one. */
const MAX_CHUNK_ROWS = 65_536;
const MAX_ID_BYTES = 256;
const MAX_REASON_BYTES = 1_024;
/** Longer reasons are cut, at four bytes a character at most: a damaged row may have a long key. */
const MAX_REASON_CHARACTERS = MAX_REASON_BYTES / 4;
/** Key and value lengths of a row, each at least one byte. */
const MIN_ROW_BYTES = 2;

export function encodeSnapshotFrame(frame: SnapshotFrame): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(CODES[frame.kind]);
  switch (frame.kind) {
    case 'begin':
      writer.string(frame.snapshotId, MAX_ID_BYTES);
      writer.varint(frame.term);
      writer.varint(frame.point.index);
      writer.varint(frame.point.term);
      writer.varint(frame.point.configurationIndex);
      writeConfiguration(writer, frame.point.configuration);
      break;
    case 'resume':
      writer.bytes(frame.afterKey);
      break;
    case 'chunk':
      writer.varint(frame.sequence);
      writeRows(writer, frame.rows);
      break;
    case 'acknowledged':
      writer.varint(frame.sequence);
      break;
    case 'end':
      writer.varint(frame.rowCount);
      break;
    case 'installed':
      writer.varint(frame.index);
      break;
    case 'refused':
      writer.string(frame.reason.slice(0, MAX_REASON_CHARACTERS), MAX_REASON_BYTES);
      break;
  }
  return writer.take();
}

function writeRows(writer: ByteWriter, rows: readonly KeyValueRow[]): void {
  const start = writer.length + 4;
  writer.u32(0);
  writer.varint(rows.length);
  for (const { key, value } of rows) {
    writer.bytes(key);
    writer.bytes(value);
  }
  writer.patchU32(start - 4, crc32(writer.view(start)));
}

/** Throws CodedError `malformed`, or `snapshot_damaged` when the rows do not match their checksum. */
export function decodeSnapshotFrame(bytes: Uint8Array): SnapshotFrame {
  const reader = new ByteReader(bytes);
  const code = reader.u8();
  const frame = readFrame(code, reader);
  reader.end();
  return frame;
}

function readFrame(code: number, reader: ByteReader): SnapshotFrame {
  switch (code) {
    case CODES.begin:
      return readBegin(reader);
    case CODES.resume:
      return { kind: 'resume', afterKey: reader.bytes(MAX_FARM_KEY_BYTES) };
    case CODES.chunk:
      return { kind: 'chunk', sequence: reader.varint(), rows: readRows(reader) };
    case CODES.acknowledged:
      return { kind: 'acknowledged', sequence: reader.varint() };
    case CODES.end:
      return { kind: 'end', rowCount: reader.varint() };
    case CODES.installed:
      return { kind: 'installed', index: reader.varint() };
    case CODES.refused:
      return { kind: 'refused', reason: reader.string(MAX_REASON_BYTES) };
    default:
      throw new CodedError('malformed', `there is no snapshot frame of kind ${code}`);
  }
}

function readBegin(reader: ByteReader): SnapshotFrame {
  const snapshotId = reader.string(MAX_ID_BYTES);
  const term = reader.varint();
  const index = reader.varint();
  const pointTerm = reader.varint();
  const configurationIndex = reader.varint();
  const configuration = readConfiguration(reader);
  return {
    kind: 'begin',
    snapshotId,
    term,
    point: { index, term: pointTerm, configurationIndex, configuration },
  };
}

function readRows(reader: ByteReader): KeyValueRow[] {
  const expected = reader.u32();
  const body = reader.raw(reader.remaining);
  if (crc32(body) !== expected) {
    throw new CodedError('snapshot_damaged', 'the rows of a snapshot chunk do not match their checksum');
  }
  const rows = new ByteReader(body);
  const count = rows.count(MIN_ROW_BYTES, MAX_CHUNK_ROWS);
  const result: KeyValueRow[] = [];
  for (let row = 0; row < count; row++)
    result.push({ key: rows.bytes(MAX_FARM_KEY_BYTES), value: rows.bytes() });
  rows.end();
  return result;
}
