// The store in LMDB (through lmdb-js): one environment for a data directory, one transaction for a write, and
// one transaction at a time, so that a failed write affects no other. docs/storage.md explains the options of
// LMDB.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Transaction } from 'lmdb';
import { copyBytes } from '../../../../shared/allocate-bytes.ts';
import { assert } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import type {
  KeyRange,
  KeyValueReader,
  KeyValueRow,
  WriteOperation,
} from '../../node/ports/key-value-store.ts';
import type { DirectoryLock } from '../directory-lock.ts';
import { diskFull, isOutOfSpace, readError, storageFailed } from '../storage-errors.ts';
import type { BinaryDatabase } from './data-file.ts';
import { FreeSpace } from './free-space.ts';
import { MAPPED_CHECK_INTERVAL_MS, MappedMemory } from './mapped-memory.ts';

/** Bounds the steps that wait for the one under way; a node has a handful. */
const MAX_QUEUED_STEPS = 256;

/** A held read transaction: LMDB keeps its pages until it is closed. */
export interface LmdbSnapshot extends Pick<KeyValueReader, 'get'> {
  close(): void;
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
  readonly freeSpace: FreeSpace;
  #mapped = new MappedMemory();
  readonly #mappedCheck: NodeJS.Timeout;
  readonly #lock: DirectoryLock;
  readonly #queue: QueuedStep[] = [];
  readonly #snapshots = new Set<LmdbSnapshot>();
  #isWriting = false;

  /** The first failure other than a full disk: nothing is written after it. */
  #failure: Error | undefined;
  /** Set by `close`, and run when no other step is left. */
  #lastStep: QueuedStep | undefined;
  #isClosed = false;

  /** Use `openLmdbStore`. Calls `open` again when the file is mapped anew, and releases `lock` at the end. */
  constructor(directory: string, open: () => BinaryDatabase, lock: DirectoryLock) {
    this.#directory = directory;
    this.#open = open;
    this.#database = open();
    this.#lock = lock;
    this.freeSpace = new FreeSpace(directory, () => this.#database);
    this.#mappedCheck = setInterval(() => this.#next(), MAPPED_CHECK_INTERVAL_MS).unref();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#mapped.isCheckDueAfterRead() && this.#isRemapDue) this.#next();
    try {
      return getRow(this.#database, key);
    } catch (cause) {
      throw readError(this.#directory, cause);
    }
  }

  *range({ from, to, reverse = false }: KeyRange): Generator<KeyValueRow, undefined> {
    // For lmdb-js a reverse range starts at its upper end, which is exclusive here.
    const bounds = reverse
      ? { start: to, end: from, reverse, exclusiveStart: true, inclusiveEnd: true }
      : { start: from, end: to };
    try {
      // A generator ends once: lmdb-js takes its cursor back at every end, also a second time.
      yield* this.#database.getRange(bounds);
    } finally {
      // Throws where rows may be missing: after MDB_PANIC a cursor that lmdb-js reuses ends without an error.
      this.get(from);
    }
  }

  /**
   * Writes rows that the journal or an adoption accepted before: they may use the reserve. The bytes of
   * `operations` must not change until `done`.
   */
  writeAccepted(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#add(() => this.#perform(operations), done);
  }

  /** Runs `action` when no write is under way, and passes an error that it throws to `done`. */
  betweenWrites(action: () => void, done: (error: Error | undefined) => void): void {
    this.#add(async () => {
      try {
        action();
        return undefined;
      } catch (error) {
        return this.explainFailure(error, 0);
      }
    }, done);
  }

  /**
   * Runs `exchange`, which replaces the data file durably, then opens the new file and calls `done` in the
   * same turn of the event loop. Until then reads are from the old file. No snapshot may be open. If
   * `exchange` rejects, the file was not replaced.
   */
  replaceFile(exchange: () => Promise<void>, done: (error: Error | undefined) => void): void {
    this.#add(async () => {
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
    }, done);
  }

  snapshot(): LmdbSnapshot {
    const database = this.#database;
    const transaction = database.useReadTransaction();
    const snapshot: LmdbSnapshot = {
      get: (key) => {
        assert(this.#snapshots.has(snapshot), 'a closed snapshot is not read');
        return getRow(database, key, transaction);
      },
      close: () => {
        if (this.#snapshots.delete(snapshot)) transaction.done();
      },
    };
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  close(done: () => void): void {
    assert(!this.#isClosed, 'a store is closed once');
    this.#isClosed = true;
    this.#lastStep = { run: () => this.#release(), done };
    setImmediate(() => this.#next());
  }

  async #release(): Promise<undefined> {
    this.#lastStep = undefined;
    clearInterval(this.#mappedCheck);
    for (const snapshot of this.#snapshots) snapshot.close();
    await this.#database.close();
    this.#lock.release();
  }

  // -------------------------------------------------------------- writing

  #add(run: QueuedStep['run'], done: QueuedStep['done']): void {
    assert(this.#queue.length < MAX_QUEUED_STEPS, 'too many writes wait for the disk');
    this.#queue.push({ run, done });
    this.#next();
  }

  #next(): void {
    if (this.#isWriting) return;
    const step = this.#isRemapDue ? this.#remap : (this.#queue.shift() ?? this.#lastStep);
    if (step === undefined) return;
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
  get #isRemapDue(): boolean {
    const isUsable = this.#failure === undefined && !this.#isClosed;
    return isUsable && !this.#isWriting && this.#snapshots.size === 0 && this.#mapped.isTooLarge;
  }

  /**
   * Releases the memory of the map: lmdb-js unmaps the file when the environment is closed. This happens in a
   * turn of the event loop of its own, so that no read comes in between: an idle environment closes within
   * the turn's microtasks.
   */
  readonly #remap: QueuedStep = {
    run: async () => {
      await nextTurn();
      // A snapshot may have been opened since then.
      return this.#snapshots.size > 0 ? undefined : this.#reopen();
    },
    done: () => undefined,
  };

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
      this.freeSpace.onChange();
      this.#mapped = new MappedMemory();
    }
  }

  async #perform(operations: readonly WriteOperation[]): Promise<Error | undefined> {
    if (this.#failure !== undefined || operations.length === 0) {
      // In a later turn of the event loop: a caller that retries at once must not occupy it.
      await nextTurn();
      return this.#failure;
    }
    const bytes = putBytes(operations);
    this.freeSpace.onPut(bytes);
    try {
      // LMDB's writer takes everything that is put inside of `batch` into one transaction.
      await this.#database.batch(() => {
        for (const operation of operations) this.#put(operation);
      });
      // The promise of the batch is about the commit; only `flushed` documents durability (trap 31).
      await this.#database.flushed;
      return undefined;
    } catch (error) {
      const explained = this.explainFailure(await causeOf(error), bytes);
      if (explained.code === 'disk_full' && this.#canWriteAgain()) return explained;
      this.#failure = storageFailed(this.#directory, explained.cause);
      return this.#failure;
    }
  }

  #put(operation: WriteOperation): void {
    // These promises settle at once and say nothing; the promise of the batch does.
    if (operation.kind === 'put') void this.#database.put(operation.key, operation.value);
    else void this.#database.remove(operation.key);
  }

  /** Returns `disk_full` or `storage_failed` for a failed write of `bytes` in this directory. */
  explainFailure(cause: unknown, bytes: number): CodedError {
    if (cause instanceof CodedError) return cause;
    this.freeSpace.onChange();
    const isFull = isOutOfSpace(cause, () => this.freeSpace.isNearlyFull(bytes));
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

/** A database whose reads take an option that lmdb-js does not declare. */
interface FastReader {
  getBinaryFast(key: Uint8Array, options: { transaction: Transaction } | undefined): Buffer | undefined;
}

/**
 * Returns a copy of the value. The copy that lmdb-js makes has memory of its own, which costs several times
 * as much.
 */
function getRow(reader: FastReader, key: Uint8Array, transaction?: Transaction): Uint8Array | undefined {
  // The memory of these bytes is reused by the next read.
  const bytes = reader.getBinaryFast(key, transaction && { transaction });
  return bytes && copyBytes(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
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
