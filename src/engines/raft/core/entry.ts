import type { Configuration } from './configuration.ts';

/** What a log position holds. Indexes start at 1; terms at 1. */
export type Entry = CommandEntry | ConfigurationEntry | LeaderStartEntry;

/** Opaque to the core: the node above knows what the bytes mean. */
export interface CommandEntry {
  readonly kind: 'command';
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** In force from the moment that it is appended (dissertation §4.1). */
export interface ConfigurationEntry {
  readonly kind: 'configuration';
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
}

/** Appended by every new leader, so that entries of older terms can be committed (§5.4.2, §8). */
export interface LeaderStartEntry {
  readonly kind: 'leader-start';
  readonly index: number;
  readonly term: number;
}

/** A position in the log: the index, and the term of the entry there. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** What must survive a crash beside the log (§5.1, §5.2): both in one durable write. */
export interface HardState {
  readonly term: number;
  readonly votedFor: ServerIdOrNone;
}

export type ServerIdOrNone = string | undefined;

/** What an entry counts for beside its command. */
const OVERHEAD_BYTES = 24;

/** Bytes that an entry counts for in batch and cache bounds. */
export function entrySizeBytes(entry: Entry): number {
  if (entry.kind === 'command') return commandSizeBytes(entry.data.length);
  if (entry.kind === 'configuration') return OVERHEAD_BYTES + 256 * (1 + entry.configuration.members.length);
  return OVERHEAD_BYTES;
}

/** The same for an entry with a command of `dataBytes`. */
export function commandSizeBytes(dataBytes: number): number {
  return OVERHEAD_BYTES + dataBytes;
}
