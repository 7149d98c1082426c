// The store in LMDB (through lmdb-js): one environment for a data directory, one transaction for a write, and
// one transaction at a time, so that a failed write affects no other. docs/storage.md explains the options of
// LMDB.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import {
  type KeyRange,
  type KeyValueReader,
  type KeyValueRow,
  MAX_KEY_BYTES,
  type StorageSpace,
  type WriteOperation,
} from '../../node/ports/key-value-store.ts';
import type { DirectoryLock } from '../directory-lock.ts';
import { diskFull, isOutOfSpace, readError, storageFailed } from '../storage-errors.ts';
import { FreeSpace, type SpaceClaim } from './free-space.ts';
import { asKey, type BinaryDatabase, getRow, LmdbSnapshot, readRange } from './lmdb-reads.ts';
import { MAPPED_CHECK_INTERVAL_MS, MappedMemory } from './mapped-memory.ts';

/** Bounds the writes that wait for the one under way; a node has a handful. */
const MAX_QUEUED_WRITES = 256;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  /** The rows were accepted before, so free space is not checked again. */
  readonly isAccepted: boolean;
}

/** A step that has the environment for itself: one runs at a time. */
interface QueuedStep {
  /** Resolves with the error, and never rejects. */
  readonly run: () => Promise<Error | undefined>;
  readonly done: (error: Error | undefined) => void;
}

export class LmdbStore implements KeyValueReader {
  readonly #directory: string;
  readonly #open: () => BinaryDatabase;
  #database: BinaryDatabase;
  readonly #freeSpace: FreeSpace;
  readonly #mapped = new MappedMemory();
  readonly #mappedCheck: NodeJS.Timeout;
  readonly #lock: DirectoryLock;
  readonly #queue: QueuedStep[] = [];
  readonly #snapshots = new Set<LmdbSnapshot>();
  #isWriting = false;

  /** The first failure other than a full disk: nothing is written after it. */
  #failure: Error | undefined;
  #whenIdle: (() => void) | undefined;
  #isClosed = false;

  /** Use `openLmdbStore`. Calls `open` again when the file is mapped anew, and releases `lock` at the end. */
  constructor(directory: string, open: () => BinaryDatabase, lock: DirectoryLock) {
    this.#directory = directory;
    this.#open = open;
    this.#database = open();
    this.#lock = lock;
    this.#freeSpace = new FreeSpace(directory, () => this.#database);
    this.#mappedCheck = setInterval(() => this.#next(), MAPPED_CHECK_INTERVAL_MS).unref();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#mapped.isCheckDueAfterRead() && this.#canRemap && this.#mapped.isTooLarge) this.#remap();
    try {
      return getRow(this.#database, key);
    } catch (cause) {
      throw readError(this.#directory, cause);
    }
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    return readRange(this.#database, range, { atEnd: () => this.get(range.from) });
  }

  /** The bytes of `operations` must not change until `done`. */
  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    assert(!this.#isClosed, 'a closed store takes no writes');
    assert(this.#queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
    for (const { key } of operations) {
      assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key has ${key.length} bytes`);
    }
    this.#add(() => this.#perform({ operations, isAccepted: false }), done);
  }

  /** Writes rows that the journal or an adoption accepted before: they may use the reserve. */
  writeAccepted(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#add(() => this.#perform({ operations, isAccepted: true }), done);
  }

  /** Runs `action` when no write is under way, and passes an error that it throws to `done`. */
  betweenWrites(action: () => void, done: (error: Error | undefined) => void): void {
    const run = async (): Promise<Error | undefined> => {
      try {
        action();
        return undefined;
      } catch (error) {
        return this.explainFailure(error, 0);
      }
    };
    this.#add(run, done);
  }

  /**
   * Runs `exchange`, which replaces the data file durably, then opens the new file and calls `done` in the
   * same turn of the event loop. Until then reads are from the old file. No snapshot may be open. If
   * `exchange` rejects, the file was not replaced.
   */
  replaceFile(exchange: () => Promise<void>, done: (error: Error | undefined) => void): void {
    const run = async (): Promise<Error | undefined> => {
      assert(this.#snapshots.size === 0, 'a data file with open snapshots is not replaced');
      if (this.#failure !== undefined) return this.#failure;
      try {
        await exchange();
      } catch (error) {
        const explained = this.explainFailure(error, 0);
        if (explained.code !== 'disk_full') this.#failure = explained;
        return explained;
      }
      await nextTurn();
      return this.#reopen();
    };
    this.#add(run, done);
  }

  #add(run: () => Promise<Error | undefined>, done: (error: Error | undefined) => void): void {
    this.#queue.push({ run, done });
    this.#next();
  }

  snapshot(): LmdbSnapshot {
    const snapshot = new LmdbSnapshot(this.#database, () => this.#snapshots.delete(snapshot));
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  space(): StorageSpace {
    return this.#freeSpace.space();
  }

  /** Returns `disk_full` when a write of `bytes` must be refused. Other rows will need `claimedBytes`. */
  shortageFor(claim: SpaceClaim): CodedError | undefined {
    return this.#freeSpace.shortageFor(claim);
  }

  /** Returns whether another file of so many bytes fits: it cannot use the free pages of the data file. */
  hasSpaceBeside(bytes: number): boolean {
    return this.#freeSpace.hasSpaceBeside(bytes);
  }

  close(done: () => void): void {
    assert(!this.#isClosed, 'a store is closed once');
    this.#isClosed = true;
    this.#whenIdle = () => {
      clearInterval(this.#mappedCheck);
      for (const snapshot of this.#snapshots) snapshot.close();
      void this.#database.close().then(() => {
        this.#lock.release();
        done();
      });
    };
    setImmediate(() => this.#next());
  }

  // -------------------------------------------------------------- writing

  #next(): void {
    if (this.#isWriting) return;
    if (this.#canRemap && this.#mapped.isTooLarge) {
      this.#remap();
      return;
    }
    const step = this.#queue.shift();
    if (step === undefined) {
      const whenIdle = this.#whenIdle;
      this.#whenIdle = undefined;
      whenIdle?.();
      return;
    }
    this.#isWriting = true;
    void step.run().then((error) => {
      this.#isWriting = false;
      try {
        step.done(error);
      } finally {
        this.#next();
      }
    });
  }

  /** A snapshot reads from the current map. */
  get #canRemap(): boolean {
    const isUsable = this.#failure === undefined && !this.#isClosed;
    return isUsable && !this.#isWriting && this.#snapshots.size === 0;
  }

  /**
   * Releases the memory of the map: lmdb-js unmaps the file when the environment is closed. This happens in a
   * turn of the event loop of its own, so that no read comes in between: an idle environment closes within
   * the turn's microtasks.
   */
  #remap(): void {
    this.#isWriting = true;
    setImmediate(() => {
      // A snapshot may have been opened since then.
      const opened = this.#snapshots.size > 0 ? Promise.resolve(undefined) : this.#reopen();
      void opened.then(() => {
        this.#isWriting = false;
        this.#next();
      });
    });
  }

  /**
   * Closes and opens the environment within one turn of the event loop, so that no read comes in between.
   * Resolves with the failure of the store if it cannot be opened again.
   */
  async #reopen(): Promise<Error | undefined> {
    let isSameTurn = true;
    const turnEnds = setImmediate(() => {
      isSameTurn = false;
    });
    try {
      await this.#database.close();
      this.#database = this.#open();
      assert(isSameTurn, 'an environment with nothing under way is closed at once');
      return undefined;
    } catch (error) {
      this.#failure = storageFailed(this.#directory, error);
      return this.#failure;
    } finally {
      clearImmediate(turnEnds);
      this.#freeSpace.onChange();
      this.#mapped.onMap();
    }
  }

  async #perform({ operations, isAccepted }: QueuedWrite): Promise<Error | undefined> {
    try {
      const bytes = putBytes(operations);
      const shortage = isAccepted ? undefined : this.shortageFor({ bytes, claimedBytes: 0 });
      const refusal = this.#failure ?? shortage;
      this.#freeSpace.onPut(bytes);
      if (refusal !== undefined || operations.length === 0) {
        // In a later turn of the event loop: a caller that retries at once must not occupy it.
        await nextTurn();
        return refusal;
      }
      // LMDB's writer takes everything that is put inside of `batch` into one transaction.
      await this.#database.batch(() => {
        for (const operation of operations) this.#put(operation);
      });
      // The promise of the batch is about the commit; only `flushed` documents durability (trap 31).
      await this.#database.flushed;
      return undefined;
    } catch (error) {
      const explained = this.explainFailure(await causeOf(error), putBytes(operations));
      if (explained.code === 'disk_full' && this.#canWriteAgain()) return explained;
      this.#failure = storageFailed(this.#directory, explained.cause);
      return this.#failure;
    }
  }

  #put(operation: WriteOperation): void {
    const key = asKey(operation.key);
    // These promises settle at once and say nothing; the promise of the batch does.
    if (operation.kind === 'put') void this.#database.put(key, operation.value);
    else void this.#database.remove(key);
  }

  /** Returns `disk_full` or `storage_failed` for a failed write of `bytes` in this directory. */
  explainFailure(cause: unknown, bytes: number): CodedError {
    if (cause instanceof CodedError) return cause;
    this.#freeSpace.onChange();
    const isFull = isOutOfSpace(cause, () => this.#freeSpace.isNearlyFull(bytes));
    return isFull ? diskFull(this.#directory, cause) : storageFailed(this.#directory, cause);
  }

  /**
   * Tries an empty transaction, which writes nothing. After a failed update of its meta page LMDB refuses
   * every transaction, and lmdb-js would wait for the next one for ever.
   */
  #canWriteAgain(): boolean {
    try {
      this.#database.transactionSync(() => undefined);
      return true;
    } catch {
      // The failure of the write before is the one that is reported.
      return false;
    }
  }
}

/** Returns the bytes of the rows that `operations` put; deletes count as nothing. */
export function putBytes(operations: readonly WriteOperation[]): number {
  let bytes = 0;
  for (const operation of operations) {
    if (operation.kind === 'put') bytes += operation.key.length + operation.value.length;
  }
  return bytes;
}

/** Returns the cause of a failed commit, which lmdb-js keeps in a promise of the error. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
  } catch (cause) {
    return cause;
  }
  return error;
}
