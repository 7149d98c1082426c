// The work that the core hands to its driver. raft-core.ts has the order in which the driver does it.

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

/** One atomic disk write. The core asks for the next one only after `onPersisted()`. */
export interface PersistRequest {
  /** Absent when unchanged. */
  readonly hardState: HardState | undefined;
  readonly log: LogWrite;
  /** In this same write the staged snapshot replaces the state, and the whole log before it is deleted. */
  readonly snapshot: SnapshotPoint | undefined;
}

/** A confirmed read: it may be served once the state has applied `readIndex`. */
export interface ReadState {
  readonly requestId: number;
  readonly readIndex: number;
}

export interface Ready {
  /** May be sent at once: they promise nothing that is not durable. */
  readonly messages: readonly Message[];
  /** Undefined when there is nothing to write or a write is under way. */
  readonly persist: PersistRequest | undefined;
  /** To be applied in order. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** Reads of this server that could not be confirmed. Ask again with a new id when there is a leader. */
  readonly refusedReads: readonly number[];
  /** Followers that need a snapshot. The driver calls `onSnapshotEnded` once for each. */
  readonly snapshotsWanted: readonly ServerId[];
}
