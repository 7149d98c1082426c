// The disk of one server as a value: its content after a crash and after a write.

import type { Configuration } from '../../src/engines/raft/core/configuration.ts';
import type { Entry, HardState } from '../../src/engines/raft/core/entry.ts';
import type { LogReader } from '../../src/engines/raft/core/log.ts';
import type { PersistRequest } from '../../src/engines/raft/core/ready.ts';
import type { DurableState } from '../../src/engines/raft/core/state.ts';
import { assert, present } from '../../src/shared/assert.ts';

export interface DiskImage {
  readonly hardState: HardState;
  /** From index 1: the explorer never compacts. */
  readonly entries: readonly Entry[];
  /** Applied index of the state machine on this disk. */
  readonly appliedIndex: number;
}

export interface DiskWrite {
  readonly request: PersistRequest;
  /** Applied index of the state machine when the write began; it is stored in the same write. */
  readonly appliedIndex: number;
}

export const EMPTY_DISK: DiskImage = {
  hardState: { term: 0, votedFor: undefined },
  entries: [],
  appliedIndex: 0,
};

/** Returns the disk after `write` is durable as a whole. */
export function afterWrite(disk: DiskImage, { request, appliedIndex }: DiskWrite): DiskImage {
  assert(request.snapshot === undefined, 'no snapshots are explored');
  const { entries, remove } = request.log;
  const firstChanged = Math.min(entries[0]?.index ?? Infinity, remove?.first ?? Infinity);
  const log = [...disk.entries.slice(0, firstChanged - 1), ...entries];
  assert(
    log.every((entry, position) => entry.index === position + 1),
    'the log on disk has no gaps',
  );
  assert(log.length >= appliedIndex, 'applied entries are on disk');
  return { hardState: request.hardState ?? disk.hardState, entries: log, appliedIndex };
}

/**
 * Returns the state that a starting server reads. `initial` is the configuration before any entry sets one.
 */
export function durableStateOf(disk: DiskImage, initial: Configuration): DurableState {
  const configurations = disk.entries.flatMap((entry) =>
    entry.kind === 'configuration' ? [{ index: entry.index, configuration: entry.configuration }] : [],
  );
  const applied = configurations.filter(({ index }) => index <= disk.appliedIndex).at(-1);
  return {
    hardState: disk.hardState,
    logStart: { index: 0, term: 0 },
    lastLogIndex: disk.entries.length,
    appliedIndex: disk.appliedIndex,
    configurations: [
      applied ?? { index: 0, configuration: initial },
      ...configurations.filter(({ index }) => index > disk.appliedIndex),
    ],
  };
}

/** Whether the entry of `term` at `index` survives a crash. */
export function holds(disk: DiskImage, index: number, term: number): boolean {
  return index === 0 || disk.entries[index - 1]?.term === term;
}

/** Reads the image that `current` returns at the time of the call. */
export function readerOf(current: () => DiskImage): LogReader {
  const entryAt = (index: number): Entry =>
    present(current().entries[index - 1], `entry ${index} is not on disk`);
  return {
    term: (index) => entryAt(index).term,
    // One entry at a time gives more interleavings than larger batches.
    entries: (from) => [entryAt(from)],
  };
}
