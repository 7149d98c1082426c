import type { Configuration } from './configuration.ts';

/** A log entry. Indexes and terms start at 1. */
export type Entry = CommandEntry | ConfigurationEntry | LeaderStartEntry;

/** A command of the state machine: opaque bytes to the core. */
export interface CommandEntry {
  readonly kind: 'command';
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** In force as soon as it is appended (dissertation §4.1). */
export interface ConfigurationEntry {
  readonly kind: 'configuration';
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
}

/** Appended by every new leader, so that entries of older terms can be committed (§5.4.2, §8). */
interface LeaderStartEntry {
  readonly kind: 'leader-start';
  readonly index: number;
  readonly term: number;
}

/** A position in the log: the index, and the term of the entry there. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** The state beside the log that must survive a crash, both parts in one durable write (§5.1, §5.2). */
export interface HardState {
  readonly term: number;
  readonly votedFor: ServerIdOrNone;
}

type ServerIdOrNone = string | undefined;

/** The size that an entry counts for beside its command. */
const OVERHEAD_BYTES = 24;

/** The size that an entry counts for in the bounds of batches and caches. */
export function entrySizeBytes(entry: Entry): number {
  if (entry.kind === 'command') return commandSizeBytes(entry.data.length);
  if (entry.kind === 'configuration') return OVERHEAD_BYTES + 256 * (1 + entry.configuration.members.length);
  return OVERHEAD_BYTES;
}

/** Like entrySizeBytes, for an entry whose command has `dataBytes`. */
export function commandSizeBytes(dataBytes: number): number {
  return OVERHEAD_BYTES + dataBytes;
}
