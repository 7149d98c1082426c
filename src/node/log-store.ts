// What a server must not forget: its identity, its term and vote, its log, and how far its state has come.
// Records are sealed (CRC-32 of key and payload) and read back with every check that they allow.
//
// There is no torn tail here to be cut. A write to the store is atomic, so an entry is there whole or not at all,
// and one that is there was acknowledged to a leader or a client: the last entry damaged is damage like any other
// (trap 29). The node stops, and its members have what it lost.

import { decodeEntry, encodeEntry } from '../codec/entry-codec.ts';
import { type AdjacentRow, checkSealed, openSealed, seal } from '../codec/sealed-record.ts';
import type { Configuration, ServerId } from '../raft/configuration.ts';
import { EMPTY_CONFIGURATION } from '../raft/configuration.ts';
import { type Entry, entrySizeBytes, type HardState, type LogPosition } from '../raft/entry.ts';
import type { LogReader } from '../raft/log.ts';
import type { SnapshotPoint } from '../raft/ready.ts';
import { CodedError } from '../shared/coded-error.ts';
import { encodeUtf8 } from '../shared/utf8.ts';
import {
  ALL_ENTRIES,
  ALL_STATE,
  APPLIED_KEY,
  entryKey,
  entryRange,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  LOG_START_KEY,
  REMOVED_KEY,
} from './keys.ts';
import type { KeyRange, KeyValueReader, WriteOperation } from './ports.ts';

/**
 * The layout of the store, the farm's rows included. A store with another number is refused. 2: the seal of a state row
 * covers its generation. 3: print jobs are indexed. 4: the farm's rows are arrays, and the index has all in its keys.
 * 5: the store's checkpoint stands before all rows.
 */
export const FORMAT_VERSION = 5;

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
export interface LoadedState {
  readonly identity: NodeIdentity;
  readonly hardState: HardState;
  /** The last compacted entry: {0, 0} when there is none. */
  readonly logStart: LogPosition;
  /** The last entry of the log, or its start when it is empty. */
  readonly lastLog: LogPosition;
  /** What the entries count for, by `entrySizeBytes`. */
  readonly logBytes: number;
  readonly applied: AppliedRecord;
  /** The configuration entries of the log, in order, applied or not. */
  readonly configurations: readonly { readonly index: number; readonly configuration: Configuration }[];
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
    if (!isEmpty(store, ALL_ENTRIES) || !isEmpty(store, ALL_STATE)) throw damaged('m/identity is missing');
    return undefined;
  }
  const hardState = readHardState(store);
  const logStart = readRecord<LogPosition>(store, LOG_START_KEY, 'm/log-start');
  const applied = loadAppliedRecord(store);
  const log = readLog(store, { logStart, applied });
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

/** The applied record alone, for instance of a snapshot of the store. Throws CodedError `log_damaged`. */
export function loadAppliedRecord(store: KeyValueReader): AppliedRecord {
  return readRecord<AppliedRecord>(store, APPLIED_KEY, 'm/applied');
}

function readLog(
  store: KeyValueReader,
  { logStart, applied }: { logStart: LogPosition; applied: LogPosition },
): Pick<LoadedState, 'lastLog' | 'logBytes' | 'configurations'> {
  const configurations: { index: number; configuration: Configuration }[] = [];
  let last = logStart;
  let logBytes = 0;
  const checkApplied = (): void => {
    if (last.index === applied.index && last.term !== applied.term) {
      throw damaged(`entry ${last.index} has term ${last.term} and was applied with term ${applied.term}`);
    }
  };
  checkApplied();
  for (const { key, value } of store.range(ALL_ENTRIES)) {
    const entry = openEntry(key, value, last.index + 1);
    if (entry.term < last.term) {
      throw damaged(`entry ${entry.index} has term ${entry.term}, and the one before it ${last.term}`);
    }
    if (entry.kind === 'configuration') {
      configurations.push({ index: entry.index, configuration: entry.configuration });
    }
    logBytes += entrySizeBytes(entry);
    last = { index: entry.index, term: entry.term };
    checkApplied();
  }
  return { lastLog: last, logBytes, configurations };
}

/** The part of the log that is on disk, for the core. What does not pass its checks throws CodedError `log_damaged`. */
export class StoredLog implements LogReader {
  readonly #store: KeyValueReader;

  constructor(store: KeyValueReader) {
    this.#store = store;
  }

  term(index: number): number {
    const key = entryKey(index);
    const value = this.#store.get(key);
    if (value === undefined) throw damaged(`entry ${index} is missing`);
    return openEntry(key, value, index).term;
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (const { key, value } of this.#store.range(entryRange(from, to))) {
      const entry = openEntry(key, value, from + entries.length);
      bytes += entrySizeBytes(entry);
      if (entries.length > 0 && bytes > maxBytes) return entries;
      entries.push(entry);
    }
    if (bytes <= maxBytes && entries.length < to - from)
      throw damaged(`entry ${from + entries.length} is missing`);
    return entries;
  }
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
    ...deleteEntries(loaded.logStart.index + 1, loaded.lastLog.index),
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

export function putEntries(entries: readonly Entry[]): WriteOperation[] {
  return entries.map((entry) => {
    const key = entryKey(entry.index);
    return { kind: 'put', key, value: seal(key, encodeEntry(entry)) };
  });
}

/** Entries `first` to `last`, both included; none when `last` is below `first`. */
export function deleteEntries(first: number, last: number): WriteOperation[] {
  const operations: WriteOperation[] = [];
  for (let index = first; index <= last; index++) operations.push({ kind: 'delete', key: entryKey(index) });
  return operations;
}

/**
 * Throws CodedError `record_damaged` when a row of the store, of whatever kind, is not as it was sealed, and
 * `store_version` at the identity of a store of another format: in the order of keys it stands before the rows whose
 * seals that format may make otherwise. The bytes are those of the store, key and value.
 */
export function verifyRow(row: AdjacentRow): void {
  checkSealed(row);
  const { bytes, keyStart, valueStart, valueEnd } = row;
  // There are millions of rows and one identity: no view is made of the others.
  if (bytes[keyStart] !== IDENTITY_KEY[0] || valueStart - keyStart !== IDENTITY_KEY.length) return;
  const key = bytes.subarray(keyStart, valueStart);
  if (!isSameKey(key, IDENTITY_KEY)) return;
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
function readRecord<T>(store: KeyValueReader, key: Uint8Array, name: string): T {
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

function openEntry(key: Uint8Array, value: Uint8Array, expectedIndex: number): Entry {
  if (!isSameKey(key, entryKey(expectedIndex))) throw damaged(`entry ${expectedIndex} is missing`);
  const entry = verified(`entry ${expectedIndex}`, () => decodeEntry(openSealed(key, value)));
  if (entry.index !== expectedIndex) {
    throw damaged(`entry ${entry.index} stands in the place of entry ${expectedIndex}`);
  }
  return entry;
}

function verified<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw damaged(`${what} cannot be read (${reason})`, cause);
  }
}

function damaged(what: string, cause?: unknown): CodedError {
  return new CodedError(
    'log_damaged',
    `the data of this node is damaged: ${what}. Move its data directory away and start it with -clean -join ` +
      'and the address of another member: it is rebuilt from the others',
    { fields: { what }, cause },
  );
}

function isEmpty(store: KeyValueReader, range: KeyRange): boolean {
  for (const _ of store.range(range)) return false;
  return true;
}

function isSameKey(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
