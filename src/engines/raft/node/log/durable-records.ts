// The records that a server must not forget: identity, term and vote, log start, and how far its state has
// come. Records are sealed with a CRC-32 of key and payload. Reads check the seal and that the records agree.

import { CodedError } from '../../../../shared/coded-error.ts';
import { ByteWriter } from '../../codec/byte-writer.ts';
import { writeConfiguration } from '../../codec/configuration-codec.ts';
import { type AdjacentRow, checkSealed, openSealed, sealText } from '../../codec/sealed-record.ts';
import { type Configuration, EMPTY_CONFIGURATION, type ServerId } from '../../core/configuration.ts';
import type { HardState, LogPosition } from '../../core/entry.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import type { KeyValueReader, WriteOperation } from '../ports/key-value-store.ts';
import { ALL_STATE } from '../state/state-keys.ts';
import { ALL_BLOCKS, APPLIED_KEY, HARD_STATE_KEY, IDENTITY_KEY, LOG_START_KEY, REMOVED_KEY } from './keys.ts';
import { deleteBlocks } from './log-blocks.ts';
import { damaged, verified } from './log-damage.ts';
import { type LoadedLog, loadLog } from './log-load.ts';

/**
 * The layout of the store, the farm's rows included. A store with another number is refused.
 * 2: the seal of a state row covers its generation. 3: print jobs are indexed.
 * 4: the farm's rows are arrays, and the index has all in its keys.
 * 5: the store's checkpoint stands before all rows. 6: log entries that were written together are one row.
 * 7: the index's last blocks stand together. 8: LMDB's list of free pages names each page by itself.
 * For tests: they read it, and others.
 */
export const FORMAT_VERSION = 8;

/** The server and cluster that the data belongs to. */
export interface NodeIdentity {
  readonly server: ServerId;
  /** Empty until the node belongs to a cluster. */
  readonly clusterId: string;
  /** Counts the starts of a process on this data, this one included. */
  readonly boots: number;
}

/** The last entry in the state on disk, and the generation of its rows. */
export interface AppliedRecord extends SnapshotPoint {
  readonly generation: number;
}

/** All that is durable beside the state's rows. */
export interface LoadedState extends LoadedLog {
  readonly identity: NodeIdentity;
  readonly hardState: HardState;
  readonly applied: AppliedRecord;
  /** Whether this server has learnt that its cluster removed it. */
  readonly removed: boolean;
}

/**
 * Reads and verifies everything but the state's rows: checksums are right, indexes are contiguous, terms
 * never decrease, and log, log start and applied index agree. Returns undefined when the store is new. Throws
 * CodedError `log_damaged`, or `store_version` when another version of the program wrote the store.
 */
export function loadDurableState(store: KeyValueReader): LoadedState | undefined {
  const identity = readIdentity(store);
  if (identity === undefined) {
    for (const range of [ALL_BLOCKS, ALL_STATE]) {
      for (const _ of store.range(range)) throw damaged('m/identity is missing');
    }
    return undefined;
  }
  const hardState = readHardState(store);
  const logStart = readRecord<LogPosition>(store, LOG_START_KEY, 'm/log-start');
  const applied = loadAppliedRecord(store);
  const log = loadLog(store, { logStart, applied });
  if (applied.index < logStart.index) {
    throw damaged(`entries up to ${logStart.index} are compacted and only ${applied.index} of them applied`);
  }
  if (applied.index > log.lastLog.index) {
    throw damaged(`the log ends at ${log.lastLog.index} and the state has applied ${applied.index}`);
  }
  if (log.lastLog.term > hardState.term) {
    throw damaged(`the last entry is of term ${log.lastLog.term}, after the current term ${hardState.term}`);
  }
  const removed = store.get(REMOVED_KEY) !== undefined;
  return { identity, hardState, applied, removed, ...log };
}

/** Reads the applied record alone, for instance of an image of the store. Throws CodedError `log_damaged`. */
export function loadAppliedRecord(store: Pick<KeyValueReader, 'get'>): AppliedRecord {
  return readRecord<AppliedRecord>(store, APPLIED_KEY, 'm/applied');
}

export function isSamePoint(a: SnapshotPoint, b: SnapshotPoint): boolean {
  const isSame = a.index === b.index && a.term === b.term && a.configurationIndex === b.configurationIndex;
  return isSame && isSameBytes(bytesOf(a.configuration), bytesOf(b.configuration));
}

function bytesOf(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter();
  writeConfiguration(writer, configuration);
  return writer.take();
}

// ---------------------------------------------------------------- writes

/** Makes the records of a server that has seen nothing yet. They belong into one write. */
export function initialRecords(identity: NodeIdentity, generation = 1): WriteOperation[] {
  const nowhere: LogPosition = { index: 0, term: 0 };
  return [
    putIdentity(identity),
    putHardState({ term: 0, votedFor: undefined }),
    putLogStart(nowhere),
    putApplied({ ...nowhere, configuration: EMPTY_CONFIGURATION, configurationIndex: 0, generation }),
  ];
}

/**
 * Turns the data of a removed server into that of a new one. `generation` must be unused
 * (`unusedGeneration`): the old rows are garbage from then on.
 */
export function startOver(
  identity: NodeIdentity,
  { loaded, generation }: { loaded: LoadedState; generation: number },
): WriteOperation[] {
  return [
    ...initialRecords(identity, generation),
    { kind: 'delete', key: REMOVED_KEY },
    ...deleteBlocks(loaded.blockStarts),
  ];
}

export function putIdentity(identity: NodeIdentity): WriteOperation {
  return putRecord(IDENTITY_KEY, { format: FORMAT_VERSION, ...identity });
}

/** Term and vote are one record, so that no crash can separate them (trap 1). */
export function putHardState({ term, votedFor }: HardState): WriteOperation {
  return putRecord(HARD_STATE_KEY, { term, votedFor: votedFor ?? null });
}

export function putLogStart({ index, term }: LogPosition): WriteOperation {
  return putRecord(LOG_START_KEY, { index, term });
}

/** The applied record goes into the same write as the rows that it covers (trap 24). */
export function putApplied(applied: AppliedRecord): WriteOperation {
  const { index, term, configuration, configurationIndex, generation } = applied;
  return putRecord(APPLIED_KEY, { index, term, configurationIndex, generation, configuration });
}

export function putRemoved(): WriteOperation {
  return putRecord(REMOVED_KEY, true);
}

/**
 * Throws CodedError `record_damaged` when any row of the store does not match its seal. Throws
 * `store_version` at the identity of another format: it stands before the rows, which that format may seal
 * differently.
 */
export const verifyRow = Object.assign(checkAnyRow, {
  /** State rows are verified by checksum only. */
  sealVouchesFrom: ALL_STATE.from,
});

function checkAnyRow(row: AdjacentRow): void {
  checkSealed(row);
  const { bytes, keyStart, valueStart, valueEnd } = row;
  // No view is made of other keys: there are millions of rows and one identity.
  if (bytes[keyStart] !== IDENTITY_KEY[0] || valueStart - keyStart !== IDENTITY_KEY.length) return;
  const key = bytes.subarray(keyStart, valueStart);
  if (!isSameBytes(key, IDENTITY_KEY)) return;
  const payload = openSealed(key, bytes.subarray(valueStart, valueEnd));
  checkFormat(JSON.parse(textDecoder.decode(payload)) as IdentityRecord);
}

// ---------------------------------------------------------------- records

const textDecoder = new TextDecoder();

function putRecord(key: Uint8Array, record: unknown): WriteOperation {
  return { kind: 'put', key, value: sealText(key, JSON.stringify(record)) };
}

/** Reads one record. Its checksum proves that the record is as this program wrote it. */
function readRecord<T>(store: Pick<KeyValueReader, 'get'>, key: Uint8Array, name: string): T {
  const value = store.get(key);
  if (value === undefined) throw damaged(`${name} is missing`);
  return verified(name, () => JSON.parse(textDecoder.decode(openSealed(key, value)))) as T;
}

function readIdentity(store: KeyValueReader): NodeIdentity | undefined {
  if (store.get(IDENTITY_KEY) === undefined) return undefined;
  const record = readRecord<IdentityRecord>(store, IDENTITY_KEY, 'm/identity');
  checkFormat(record);
  return { server: record.server, clusterId: record.clusterId, boots: record.boots };
}

type IdentityRecord = NodeIdentity & { readonly format: number };

function checkFormat({ format }: IdentityRecord): void {
  if (format === FORMAT_VERSION) return;
  throw new CodedError(
    'store_version',
    `the data has format ${format} and this program reads format ${FORMAT_VERSION}: ` +
      'start the version of the program that wrote it',
    { fields: { format } },
  );
}

function readHardState(store: KeyValueReader): HardState {
  type Stored = { readonly term: number; readonly votedFor: string | null };
  const { term, votedFor } = readRecord<Stored>(store, HARD_STATE_KEY, 'm/hard-state');
  return { term, votedFor: votedFor ?? undefined };
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
