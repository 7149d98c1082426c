// What the core wants done. The driver takes it, does it, and reports back.

import type { Configuration, ServerId } from './configuration.ts';
import type { Entry, HardState, LogPosition } from './entry.ts';
import type { LogWrite } from './log.ts';
import type { Message } from './message.ts';

/** The last entry that a snapshot covers, and the configuration as of it. */
export interface SnapshotPoint extends LogPosition {
  readonly configuration: Configuration;
  /** Index of the entry that set the configuration. */
  readonly configurationIndex: number;
}

/** One atomic disk write. Until `persisted()` is called no other is asked for. */
export interface PersistRequest {
  /** Absent when unchanged. */
  readonly hardState: HardState | undefined;
  readonly log: LogWrite;
  /** The staged snapshot becomes the state, and the whole log before it goes, in this same write. */
  readonly snapshot: SnapshotPoint | undefined;
}

/** A read that may be served once the state has applied `readIndex`. */
export interface ReadState {
  readonly requestId: number;
  readonly readIndex: number;
}

export interface Ready {
  /** May leave at once: they promise nothing that is not durable. */
  readonly messages: readonly Message[];
  /** Undefined when there is nothing to write or a write is under way. */
  readonly persist: PersistRequest | undefined;
  /** To be applied now, in order. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** Local reads that could not be confirmed: ask again when there is a leader. */
  readonly refusedReads: readonly number[];
  /** Followers that need a snapshot; each must be answered with `snapshotEnded`. */
  readonly snapshotsWanted: readonly ServerId[];
}
