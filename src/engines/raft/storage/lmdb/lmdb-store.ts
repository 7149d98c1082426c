// The store on LMDB (by way of lmdb-js): one environment a data directory, one write a transaction.
//
// Chosen, with what was measured (docs/storage.md):
// - `overlappingSync: false`: a commit becomes visible only when it is durable. It costs nothing that could be measured
//   here, and the other mode shows readers what a failed sync then takes back.
// - One transaction under way at a time: a write that fails takes no other with it.
// - `eventTurnBatching: false`: what one call writes is exactly one transaction, begun at once.
// - `noMemInit` stays off: LMDB would write whatever was in the heap, keys of TLS too, into the file.

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
import { Room } from '../room.ts';
import { diskFull, explainRead, isForLackOfRoom, storageFailed } from '../storage-errors.ts';
import { asKey, type BinaryDatabase, getRow, LmdbSnapshot, readRange } from './lmdb-reads.ts';
import { MappedMemory } from './mapped-memory.ts';

/** Writes that may wait for the one under way: the node has a handful. */
const MAX_QUEUED_WRITES = 256;
/** Of the mapped file, what may count as this process's memory: then the file is mapped anew, which takes milliseconds. */
const MAX_MAPPED_BYTES = 32 * 1024 * 1024;
/** How often that is looked at beside before each write, and … */
const MAPPED_CHECK_INTERVAL_MS = 200;
/** … behind so many rows that were looked up, each of which may have mapped sixteen pages. */
const READS_PER_MAPPED_CHECK = 256;

interface QueuedWrite {
  readonly operations: readonly WriteOperation[];
  /** It was taken before, and only moves: nothing is kept back from it. */
  readonly isCarried: boolean;
}

/** What waits for its turn: one at a time has the environment for itself. */
interface QueuedStep {
  /** Never rejects: gives the error instead. */
  readonly run: () => Promise<Error | undefined>;
  readonly done: (error: Error | undefined) => void;
}

export class LmdbStore implements KeyValueReader {
  readonly #directory: string;
  readonly #open: () => BinaryDatabase;
  #database: BinaryDatabase;
  readonly #room: Room;
  readonly #mapped = new MappedMemory();
  readonly #mappedCheck: NodeJS.Timeout;
  readonly #lock: DirectoryLock;
  readonly #queue: QueuedStep[] = [];
  readonly #snapshots = new Set<LmdbSnapshot>();
  #isWriting = false;
  /** Since it was looked at how much is mapped. */
  #reads = 0;
  /** What the transaction that is being begun has. */
  #batch: readonly WriteOperation[] = [];
  /** Set by the first failure that is not for lack of room: nothing is written after it. */
  #failure: Error | undefined;
  #whenIdle: (() => void) | undefined;
  #isClosed = false;

  /** Use `openLmdbStore`. The store releases `lock` when it is closed, and opens the environment anew now and then. */
  constructor(directory: string, open: () => BinaryDatabase, lock: DirectoryLock) {
    this.#directory = directory;
    this.#open = open;
    this.#database = open();
    this.#lock = lock;
    this.#room = new Room(directory, () => this.#database);
    this.#mappedCheck = setInterval(() => this.#next(), MAPPED_CHECK_INTERVAL_MS).unref();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#reads += 1;
    if (this.#reads >= READS_PER_MAPPED_CHECK) {
      this.#reads = 0;
      if (!this.#isWriting && this.#isMapDue()) this.#mapAnew();
    }
    try {
      return getRow(this.#database, key);
    } catch (cause) {
      throw explainRead(this.#directory, cause);
    }
  }

  range(range: KeyRange): Iterable<KeyValueRow> {
    return readRange(this.#database, range, { atEnd: () => this.get(range.from) });
  }

  /** The bytes of `operations` must not change until `done`. */
  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    assert(!this.#isClosed, 'nothing is written to a store that was closed');
    assert(this.#queue.length < MAX_QUEUED_WRITES, 'too many writes wait for the disk');
    for (const { key } of operations) {
      assert(key.length >= 1 && key.length <= MAX_KEY_BYTES, `a key has ${key.length} bytes`);
    }
    this.#add(() => this.#perform({ operations, isCarried: false }), done);
  }

  /** Writes what was taken elsewhere before, and so has its room already, of the reserve where it must be. */
  carry(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void {
    this.#add(() => this.#perform({ operations, isCarried: true }), done);
  }

  /** `action` runs when no write is under way, and may throw; then `done` is called with what it threw. */
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
   * `exchange` puts another file in the place of this one's, for good; then that one is opened, and `done` called in the same
   * turn of the event loop: until then reads are of the old one. No snapshot is open. Where `exchange` rejects, nothing
   * was put there.
   */
  replaceFile(exchange: () => Promise<void>, done: (error: Error | undefined) => void): void {
    const run = async (): Promise<Error | undefined> => {
      assert(this.#snapshots.size === 0, 'a data file that is read is not replaced');
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
    return this.#room.space();
  }

  /** Why `bytes` are not to be taken now, where others need `claimedBytes`; undefined when there is room. */
  lackOfRoom(bytes: number, claimedBytes: number): CodedError | undefined {
    return this.#room.lackFor(bytes, claimedBytes);
  }

  /** For a file beside this one, which cannot have the free pages of this one. */
  hasRoomBeside(bytes: number): boolean {
    return this.#room.hasBeside(bytes);
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
    if (this.#isMapDue()) {
      this.#mapAnew();
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

  /** A held read transaction is of the old map, which then waits. */
  #isMapDue(): boolean {
    const isFree = this.#snapshots.size === 0 && this.#failure === undefined && !this.#isClosed;
    return isFree && this.#mapped.bytes > MAX_MAPPED_BYTES;
  }

  /**
   * Gives the memory back that the map has taken: whatever of the file was read counts as this process's until the file
   * is unmapped, and lmdb-js does that for an environment that is closed. In a turn of the event loop of its own, so that
   * nobody reads meanwhile: with nothing under way the environment closes within this turn's microtasks.
   */
  #mapAnew(): void {
    this.#isWriting = true;
    setImmediate(() => {
      // A snapshot may have been begun since then.
      const opened = this.#snapshots.size > 0 ? Promise.resolve(undefined) : this.#reopen();
      void opened.then(() => {
        this.#isWriting = false;
        this.#next();
      });
    });
  }

  /**
   * At the beginning of a turn of the event loop, whose end nobody else sees before the environment is open again. Never
   * rejects: a store that cannot be opened again has failed.
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
      this.#room.changed();
      this.#mapped.begin();
    }
  }

  async #perform({ operations, isCarried }: QueuedWrite): Promise<Error | undefined> {
    try {
      const bytes = putBytes(operations);
      const refusal = this.#failure ?? (isCarried ? undefined : this.lackOfRoom(bytes, 0));
      this.#room.taken(bytes);
      if (refusal !== undefined || operations.length === 0) {
        // A turn of the event loop, so that whoever tries again at once does not keep it for himself.
        await nextTurn();
        return refusal;
      }
      this.#batch = operations;
      await this.#database.batch(this.#enqueueBatch);
      // The batch's promise speaks of the commit; `flushed` is the documented word on durability (trap 31).
      await this.#database.flushed;
      return undefined;
    } catch (error) {
      const explained = this.explainFailure(await causeOf(error), putBytes(operations));
      if (explained.code === 'disk_full' && this.#canWriteAgain()) return explained;
      this.#failure = storageFailed(this.#directory, explained.cause);
      return this.#failure;
    }
  }

  /**
   * Inside `batch`: its instructions are one block, which LMDB's writer takes into one transaction whole. One closure for
   * all batches, so that V8 keeps what it compiled.
   */
  readonly #enqueueBatch = (): void => {
    for (const operation of this.#batch) this.#enqueue(operation);
    this.#batch = [];
  };

  #enqueue(operation: WriteOperation): void {
    const key = asKey(operation.key);
    // What these return settles at once and tells nothing: the batch's own promise does.
    if (operation.kind === 'put') void this.#database.put(key, operation.value);
    else void this.#database.remove(key);
  }

  /** What a failed write in this directory was: `disk_full` or `storage_failed`. `bytes`: what it would have put. */
  explainFailure(cause: unknown, bytes: number): CodedError {
    if (cause instanceof CodedError) return cause;
    this.#room.changed();
    const isFull = isForLackOfRoom(cause, () => this.#room.isNearlyFull(bytes));
    return isFull ? diskFull(this.#directory, cause) : storageFailed(this.#directory, cause);
  }

  /**
   * After a failed update of its meta page LMDB refuses every transaction, and lmdb-js would wait for the next one
   * for ever. An empty transaction finds out, and touches no disk.
   */
  #canWriteAgain(): boolean {
    try {
      this.#database.transactionSync(() => undefined);
      return true;
    } catch {
      // What went wrong before is the cause that is reported.
      return false;
    }
  }
}

/** What the rows take that `operations` put: deleting takes nothing. */
export function putBytes(operations: readonly WriteOperation[]): number {
  let bytes = 0;
  for (const operation of operations) {
    if (operation.kind === 'put') bytes += operation.key.length + operation.value.length;
  }
  return bytes;
}

/** lmdb-js says only that a commit failed, and keeps the reason in a promise beside. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
  } catch (cause) {
    return cause;
  }
  return error;
}
