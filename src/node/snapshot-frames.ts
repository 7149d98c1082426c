// What the two ends of a snapshot channel say to each other, in bytes.
//
//   sender: begin · chunk* · end          receiver: resume · acknowledged* · installed | refused
//
// A chunk carries rows in key order, each with the seal that it has at rest; it is acknowledged when its rows, and all
// before them, are durably staged.

import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { readConfiguration, writeConfiguration } from '../codec/configuration-codec.ts';
import { malformed } from '../codec/malformed.ts';
import type { SnapshotPoint } from '../raft/ready.ts';
import { MAX_FARM_KEY_BYTES, MAX_GENERATION } from './keys.ts';
import { MAX_CHUNK_ROWS, MIN_ROW_BYTES, type SnapshotRows } from './snapshot-rows.ts';

export type SnapshotFrame =
  | {
      readonly kind: 'begin';
      /** Names this picture of the sender's store: only the same one can be resumed. */
      readonly snapshotId: string;
      /** The sender's term as leader. */
      readonly term: number;
      readonly point: SnapshotPoint;
      /** Of the sender's rows: their keys begin with it, and their seals cover it. */
      readonly generation: number;
    }
  /** Send the rows after this key; empty: all of them. */
  | { readonly kind: 'resume'; readonly afterKey: Uint8Array }
  | { readonly kind: 'chunk'; readonly sequence: number; readonly rows: SnapshotRows }
  /** This chunk and all before it. */
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
const MAX_ID_BYTES = 256;
const MAX_REASON_BYTES = 1_024;
/** Longer reasons are cut, at four bytes a character at most: a damaged row may have a long key. */
const MAX_REASON_CHARACTERS = MAX_REASON_BYTES / 4;

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
      writer.varint(frame.generation);
      break;
    case 'resume':
      writer.bytes(frame.afterKey);
      break;
    case 'chunk':
      writer.varint(frame.sequence);
      writer.varint(frame.rows.count);
      writer.raw(frame.rows.bytes);
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

/** Throws CodedError `malformed`. The rows of a chunk are a view of `bytes`, and not looked at here. */
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
      throw malformed(`there is no snapshot frame of kind ${code}`);
  }
}

function readBegin(reader: ByteReader): SnapshotFrame {
  const snapshotId = reader.string(MAX_ID_BYTES);
  const term = reader.varint();
  const index = reader.varint();
  const pointTerm = reader.varint();
  const configurationIndex = reader.varint();
  const configuration = readConfiguration(reader);
  const generation = reader.varint();
  if (generation > MAX_GENERATION) throw malformed(`${generation} is no generation`);
  return {
    kind: 'begin',
    snapshotId,
    term,
    point: { index, term: pointTerm, configurationIndex, configuration },
    generation,
  };
}

function readRows(reader: ByteReader): SnapshotRows {
  const count = reader.count(MIN_ROW_BYTES, MAX_CHUNK_ROWS);
  return { count, bytes: reader.raw(reader.remaining) };
}
