import type { Configuration, ServerId } from './configuration.ts';

/** A position in the log: the index, and the term of the entry there. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** A log entry. Indexes and terms start at 1. */
export type Entry = CommandEntry | ConfigurationEntry | LeaderStartEntry;

/** A command of the state machine: opaque bytes to the core. */
export interface CommandEntry extends LogPosition {
  readonly kind: 'command';
  readonly data: Uint8Array;
}

/** In force as soon as it is appended (dissertation §4.1). */
export interface ConfigurationEntry extends LogPosition {
  readonly kind: 'configuration';
  readonly configuration: Configuration;
}

/** Appended by every new leader, so that entries of older terms can be committed (§5.4.2, §8). */
interface LeaderStartEntry extends LogPosition {
  readonly kind: 'leader-start';
}

/** The state beside the log that must survive a crash, both parts in one durable write (§5.1, §5.2). */
export interface HardState {
  readonly term: number;
  readonly votedFor: ServerId | undefined;
}

/** The size that an entry counts for beside its command. */
const OVERHEAD_BYTES = 24;

/** The size that an entry counts for in the bounds of batches and caches. */
export function entrySizeBytes(entry: Entry): number {
  if (entry.kind === 'command') return commandSizeBytes(entry.data.length);
  if (entry.kind === 'configuration') return OVERHEAD_BYTES + 256 * (1 + entry.configuration.members.length);
  return OVERHEAD_BYTES;
}

export function entriesSizeBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
}

/** Like entrySizeBytes, for an entry whose command has `dataBytes`. */
export function commandSizeBytes(dataBytes: number): number {
  return OVERHEAD_BYTES + dataBytes;
}
