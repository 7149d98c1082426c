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

interface DiskPorts {
  readonly store: Pick<KeyValueStore, 'write' | 'adopt'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface DiskWrite {
  readonly operations: readonly WriteOperation[];
  /** The write adopts this image: its rows replace the state's rows, and the log is dropped. */
  readonly image?: ImageStaging | undefined;
}

export class DiskWriter {
  readonly #ports: DiskPorts;
  readonly #onFatal: (error: Error) => void;
  /** Bounded by its users: the core has one write under way, the state one, and compaction one. */
  readonly #queue: (DiskWrite & { readonly done: () => void })[] = [];
  #isWriting = false;
  #isFull = false;
  #isStopped = false;
  #retry: Timer | undefined;

  constructor(ports: DiskPorts, onFatal: (error: Error) => void) {
    this.#ports = ports;
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
    const { store } = this.#ports;
    const { operations, image: staging, done } = write;
    const onEnd = (error: Error | undefined): void => {
      if (this.#isStopped) return;
      this.#isWriting = false;
      if (error === undefined) this.#onWritten(done);
      else this.#onFailed(error);
    };
    if (staging === undefined) store.write(operations, onEnd);
    else store.adopt({ staging, range: ALL_STATE, dropped: ALL_BLOCKS, operations }, onEnd);
  }

  #onWritten(done: () => void): void {
    if (this.#isFull) this.#ports.logger.info('there is room on the disk again: writing goes on');
    this.#isFull = false;
    this.#queue.shift();
    done();
    this.#next();
  }

  #onFailed(error: Error): void {
    if (!(error instanceof CodedError) || error.code !== 'disk_full') {
      this.#onFatal(error);
      return;
    }
    const { logger, clock } = this.#ports;
    if (!this.#isFull) logger.error('the disk is full: writes wait until there is room', { error });
    this.#isFull = true;
    this.#retry = clock.after(RETRY_AFTER_MS, () => this.#next());
  }
}
