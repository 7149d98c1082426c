// What a server must not forget: its identity, its term and vote, its log (log-blocks.ts, log-load.ts), and how far its
// state has come. Records are sealed (CRC-32 of key and payload) and read back with every check that they allow.

import { CodedError } from '../../../../shared/coded-error.ts';
import { encodeUtf8 } from '../../../../shared/utf8.ts';
import { ByteWriter } from '../../codec/byte-writer.ts';
import { writeConfiguration } from '../../codec/configuration-codec.ts';
import { type AdjacentRow, checkSealed, openSealed, seal } from '../../codec/sealed-record.ts';
import type { Configuration, ServerId } from '../../core/configuration.ts';
import { EMPTY_CONFIGURATION } from '../../core/configuration.ts';
import type { HardState, LogPosition } from '../../core/entry.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import type { KeyRange, KeyValueReader, WriteOperation } from '../ports/key-value-store.ts';
import { ALL_STATE } from '../state/state-keys.ts';
import { ALL_BLOCKS, APPLIED_KEY, HARD_STATE_KEY, IDENTITY_KEY, LOG_START_KEY, REMOVED_KEY } from './keys.ts';
import { deleteBlocks } from './log-blocks.ts';
import { damaged, verified } from './log-damage.ts';
import { type LoadedLog, loadLog } from './log-load.ts';

/**
 * The layout of the store, the farm's rows included. A store with another number is refused. 2: the seal of a state row
 * covers its generation. 3: print jobs are indexed. 4: the farm's rows are arrays, and the index has all in its keys.
 * 5: the store's checkpoint stands before all rows. 6: log entries that were written together are one row.
 * 7: the index's last blocks stand together. 8: LMDB's list of free pages names each page by itself.
 */
export const FORMAT_VERSION = 8;

/** Whose data this is. */
export interface NodeIdentity {
  readonly server: ServerId;
  /** Empty until the node belongs to a cluster. */
  readonly clusterId: string;
  /** How many times a process was started on this data, this one included. */
  readonly boots: number;
}

/** The last entry that the state on disk holds, and under which generation its rows are. */
export interface AppliedRecord extends SnapshotPoint {
  readonly generation: number;
}

/** All that is durable beside the rows of the state. */
export interface LoadedState extends LoadedLog {
  readonly identity: NodeIdentity;
  readonly hardState: HardState;
  /** The last compacted entry: {0, 0} when there is none. */
  readonly logStart: LogPosition;
  readonly applied: AppliedRecord;
  /** This server learnt that it was removed from its cluster. */
  readonly removed: boolean;
}

/**
 * Reads and verifies everything but the state's rows: checksums, that indexes are contiguous and terms never
 * decrease, that log, log start and applied index agree. Undefined when the store is new.
 * Throws CodedError `log_damaged`, or `store_version` when another version of the program wrote the store.
 */
export function loadDurableState(store: KeyValueReader): LoadedState | undefined {
  const identity = readIdentity(store);
  if (identity === undefined) {
    if (!isEmpty(store, ALL_BLOCKS) || !isEmpty(store, ALL_STATE)) throw damaged('m/identity is missing');
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
  return { identity, hardState, logStart, applied, removed, ...log };
}

/** The applied record alone, for instance of an image of the store. Throws CodedError `log_damaged`. */
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

/** The records of a server that has seen nothing yet: write them in one, they are all expected together. */
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
 * Makes the data of a removed server that of a new one, which knows nothing. `generation` is one that no row
 * belongs to (`unusedGeneration`): the old rows are garbage from then on.
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

/** Term and vote are one record: a crash can never part them (trap 1). */
export function putHardState({ term, votedFor }: HardState): WriteOperation {
  return putRecord(HARD_STATE_KEY, { term, votedFor: votedFor ?? null });
}

export function putLogStart({ index, term }: LogPosition): WriteOperation {
  return putRecord(LOG_START_KEY, { index, term });
}

/** Goes into the same write as the rows that it speaks of (trap 24). */
export function putApplied(applied: AppliedRecord): WriteOperation {
  const { index, term, configuration, configurationIndex, generation } = applied;
  const numbers = JSON.stringify({ index, term, configurationIndex, generation });
  return putText(APPLIED_KEY, `${numbers.slice(0, -1)},"configuration":${textOf(configuration)}}`);
}

/** The configuration as JSON: the same one goes into most writes. */
function textOf(configuration: Configuration): string {
  let text = configurationTexts.get(configuration);
  if (text === undefined) {
    text = JSON.stringify(configuration);
    configurationTexts.set(configuration, text);
  }
  return text;
}

const configurationTexts = new WeakMap<Configuration, string>();

export function putRemoved(): WriteOperation {
  return putRecord(REMOVED_KEY, true);
}

/**
 * Throws CodedError `record_damaged` when a row of the store, of whatever kind, is not as it was sealed, and
 * `store_version` at the identity of a store of another format: in the order of keys it stands before the rows whose
 * seals that format may make otherwise. The bytes are those of the store, key and value.
 */
export const verifyRow = Object.assign(checkAnyRow, {
  /** Of the state's rows nothing more is asked than that they match their seals. */
  sealVouchesFrom: ALL_STATE.from,
});

function checkAnyRow(row: AdjacentRow): void {
  checkSealed(row);
  const { bytes, keyStart, valueStart, valueEnd } = row;
  // There are millions of rows and one identity: no view is made of the others.
  if (bytes[keyStart] !== IDENTITY_KEY[0] || valueStart - keyStart !== IDENTITY_KEY.length) return;
  const key = bytes.subarray(keyStart, valueStart);
  if (!isSameBytes(key, IDENTITY_KEY)) return;
  const payload = openSealed(key, bytes.subarray(valueStart, valueEnd));
  checkFormat(JSON.parse(textDecoder.decode(payload)) as IdentityRecord);
}

// ---------------------------------------------------------------- records

const textDecoder = new TextDecoder();

function putRecord(key: Uint8Array, record: unknown): WriteOperation {
  return putText(key, JSON.stringify(record));
}

function putText(key: Uint8Array, text: string): WriteOperation {
  return { kind: 'put', key, value: seal(key, encodeUtf8(text)) };
}

/** The checksum vouches that the record is as this program wrote it. */
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
  const { term, votedFor } = readRecord<{ term: number; votedFor: string | null }>(
    store,
    HARD_STATE_KEY,
    'm/hard-state',
  );
  return { term, votedFor: votedFor ?? undefined };
}

function isEmpty(store: KeyValueReader, range: KeyRange): boolean {
  for (const _ of store.range(range)) return false;
  return true;
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
