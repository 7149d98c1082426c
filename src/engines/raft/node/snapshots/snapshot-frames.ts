// The frames of a snapshot channel, in bytes.
//
//   sender: begin · chunk*          receiver: resume · acknowledged* · installed | refused
//
// A chunk carries bytes of an image of the sender's store, which neither node interprets. The last chunk ends
// at the image size that `begin` announced.

import { ByteReader } from '../../codec/byte-reader.ts';
import { ByteWriter } from '../../codec/byte-writer.ts';
import { readConfiguration, writeConfiguration } from '../../codec/configuration-codec.ts';
import { malformed } from '../../codec/malformed.ts';
import type { SnapshotPoint } from '../../core/ready.ts';

export type SnapshotFrame =
  | {
      readonly kind: 'begin';
      /** Identifies the image of the sender's store: only the same image can be resumed. */
      readonly snapshotId: string;
      /** The sender's term as leader. */
      readonly term: number;
      readonly point: SnapshotPoint;
      /** The size of the whole image. */
      readonly sizeBytes: number;
    }
  /** Send the bytes from this offset on. */
  | { readonly kind: 'resume'; readonly offset: number }
  | { readonly kind: 'chunk'; readonly offset: number; readonly bytes: Uint8Array }
  /** All bytes before this offset are taken. Repeated while the whole image is checked. */
  | { readonly kind: 'acknowledged'; readonly offset: number }
  | { readonly kind: 'installed'; readonly index: number }
  | { readonly kind: 'refused'; readonly reason: string };

const CODES = { begin: 1, resume: 2, chunk: 3, acknowledged: 4, installed: 5, refused: 6 } as const;

/** Bound on chunks that are sent and not yet acknowledged. */
export const MAX_CHUNKS_UNDER_WAY = 4;
/** The longest kind and offset of a chunk. */
export const CHUNK_HEAD_BYTES = 16;
const MAX_ID_BYTES = 256;
const MAX_REASON_BYTES = 1_024;
/** Longer reasons are cut, counting four bytes a character. A damaged row may have a long key. */
const MAX_REASON_CHARACTERS = MAX_REASON_BYTES / 4;

/** Encodes a frame. It is written into `buffer` if it fits; the buffer then belongs to the frame. */
export function encodeSnapshotFrame(frame: SnapshotFrame, buffer?: Uint8Array): Uint8Array {
  const writer = new ByteWriter(buffer);
  writer.u8(CODES[frame.kind]);
  switch (frame.kind) {
    case 'begin':
      writer.string(frame.snapshotId, MAX_ID_BYTES);
      writer.varint(frame.term);
      writer.varint(frame.point.index);
      writer.varint(frame.point.term);
      writer.varint(frame.point.configurationIndex);
      writeConfiguration(writer, frame.point.configuration);
      writer.varint(frame.sizeBytes);
      break;
    case 'resume':
    case 'acknowledged':
      writer.varint(frame.offset);
      break;
    case 'chunk':
      writer.varint(frame.offset);
      writer.raw(frame.bytes);
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

/** Throws CodedError `malformed`. The bytes of a chunk are a view of `bytes`. */
export function decodeSnapshotFrame(bytes: Uint8Array): SnapshotFrame {
  const reader = new ByteReader(bytes);
  const frame = readFrame(reader);
  reader.end();
  return frame;
}

function readFrame(reader: ByteReader): SnapshotFrame {
  const code = reader.u8();
  switch (code) {
    case CODES.begin:
      return {
        kind: 'begin',
        snapshotId: reader.string(MAX_ID_BYTES),
        term: reader.varint(),
        point: readPoint(reader),
        sizeBytes: reader.varint(),
      };
    case CODES.resume:
      return { kind: 'resume', offset: reader.varint() };
    case CODES.chunk:
      return { kind: 'chunk', offset: reader.varint(), bytes: reader.raw(reader.remaining) };
    case CODES.acknowledged:
      return { kind: 'acknowledged', offset: reader.varint() };
    case CODES.installed:
      return { kind: 'installed', index: reader.varint() };
    case CODES.refused:
      return { kind: 'refused', reason: reader.string(MAX_REASON_BYTES) };
    default:
      throw malformed(`there is no snapshot frame of kind ${code}`);
  }
}

function readPoint(reader: ByteReader): SnapshotPoint {
  return {
    index: reader.varint(),
    term: reader.varint(),
    configurationIndex: reader.varint(),
    configuration: readConfiguration(reader),
  };
}
