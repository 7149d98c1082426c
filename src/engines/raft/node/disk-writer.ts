// Issues the node's disk writes one after the other. A full disk delays a write and never reorders or drops
// one.

import { CodedError } from '../../../shared/coded-error.ts';
import type { Logger } from '../../../shared/logger.ts';
import { ALL_BLOCKS } from './log/keys.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { ImageStaging, KeyValueStore, WriteOperation } from './ports/key-value-store.ts';
import { ALL_STATE } from './state/state-keys.ts';

/** Pause before a write is repeated that found the disk full. */
const RETRY_AFTER_MS = 200;

interface DiskWrite {
  readonly operations: readonly WriteOperation[];
  /** The write adopts this image: its rows replace the state's rows, and the log is dropped. */
  readonly image?: ImageStaging;
}

interface QueuedWrite extends DiskWrite {
  readonly done: () => void;
}

export class DiskWriter {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onFatal: (error: Error) => void;
  /** Bounded by its users: the core has one write under way, the state one, and compaction one. */
  readonly #queue: QueuedWrite[] = [];
  #isWriting = false;
  #isFull = false;
  #isStopped = false;
  #retry: Timer | undefined;

  constructor(
    ports: { store: KeyValueStore; clock: Clock; logger: Logger },
    onFatal: (error: Error) => void,
  ) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#onFatal = onFatal;
  }

  /** Whether the last attempt found the disk full. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  /** Calls `done` when the write is durable. A write that can never be durable stops the node instead. */
  write(write: DiskWrite, done: () => void): void {
    this.#queue.push({ ...write, done });
    this.#next();
  }

  /** Begins no further write. A write that is under way ends without a report. */
  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  #next(): void {
    const write = this.#queue[0];
    if (write === undefined || this.#isWriting || this.#isStopped) return;
    this.#isWriting = true;
    const onEnd = (error: Error | undefined): void => {
      if (this.#isStopped) return;
      this.#isWriting = false;
      if (error === undefined) this.#onWritten(write);
      else this.#onFailed(error);
    };
    const { operations, image: staging } = write;
    if (staging === undefined) this.#store.write(operations, onEnd);
    else this.#store.adopt({ staging, range: ALL_STATE, dropped: ALL_BLOCKS, operations }, onEnd);
  }

  #onWritten(write: QueuedWrite): void {
    if (this.#isFull) this.#logger.info('there is room on the disk again: writing goes on');
    this.#isFull = false;
    this.#queue.shift();
    write.done();
    this.#next();
  }

  #onFailed(error: Error): void {
    if (!(error instanceof CodedError) || error.code !== 'disk_full') {
      this.#onFatal(error);
      return;
    }
    if (!this.#isFull) this.#logger.error('the disk is full: writes wait until there is room', { error });
    this.#isFull = true;
    this.#retry = this.#clock.after(RETRY_AFTER_MS, () => this.#next());
  }
}
