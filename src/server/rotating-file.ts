// The log file: gathers lines, writes them off the event loop, rotates full files and deletes the oldest.

import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeDirectory } from '../engines/raft/storage/make-directory.ts';
import { asError } from '../shared/coded-error.ts';

export interface RotatingFileOptions {
  /** The file is rotated before it would grow past this. */
  readonly maxBytes: number;
  /** Number of rotated files to keep: `<file>.1` is the youngest. */
  readonly keptFiles: number;
  /** Called once for a run of failing writes, such as on a full disk. */
  readonly onTrouble: (error: Error) => void;
}

/** A line waits this long for more lines, so that a busy node writes its log in large pieces. */
const GATHER_MS = 50;
/** Above this the disk is slower than the log: further lines are dropped and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const append = promisify(fs.appendFile);

/** Appends lines. `write` never waits for the disk and never throws: a full disk must not stop the node. */
export class RotatingFile {
  /** Lines that were lost: to a failing write, above the bound, or after the close. */
  droppedLines = 0;
  readonly #file: string;
  readonly #options: RotatingFileOptions;
  #descriptor: number;
  #sizeBytes: number;
  #lines: string[] = [];
  #waitingBytes = 0;
  /** Set until the lines that wait are taken. */
  #timer: NodeJS.Timeout | undefined;
  /** Invariant: each write begins when the one before has ended, so lines keep their order. */
  #lastWrite: Promise<void> = Promise.resolve();
  #inTrouble = false;
  #closed = false;

  /** Creates the directory and opens the file. Throws the error of the file system when it cannot. */
  constructor(file: string, options: RotatingFileOptions) {
    makeDirectory(path.dirname(file));
    this.#file = file;
    this.#options = options;
    this.#descriptor = fs.openSync(file, 'a');
    this.#sizeBytes = fs.fstatSync(this.#descriptor).size;
  }

  /** Takes one line with its line feed. */
  write(line: string): void {
    if (this.#closed || this.#waitingBytes > MAX_WAITING_BYTES) {
      this.droppedLines += 1;
      return;
    }
    this.#lines.push(line);
    this.#waitingBytes += Buffer.byteLength(line);
    this.#timer ??= setTimeout(() => void this.#writeWaiting(), GATHER_MS);
  }

  /** Writes the waiting lines at once, on the calling thread: for the last moment of a process. */
  flushSync(): void {
    // A write that is under way on another thread is finished before the process ends.
    const { lines, bytes } = this.#takeWaiting();
    if (lines.length === 0) return;
    try {
      this.#rotateIfFull(bytes);
      fs.appendFileSync(this.#descriptor, lines.join(''));
    } catch (error) {
      this.#lost(lines.length, error);
    }
  }

  /** Writes the lines, also those that come meanwhile, then closes the file. Later lines are dropped. */
  async close(): Promise<void> {
    do await this.#writeWaiting();
    while (this.#lines.length > 0);
    if (this.#closed) return;
    this.#closed = true;
    fs.closeSync(this.#descriptor);
  }

  #writeWaiting(): Promise<void> {
    this.#lastWrite = this.#lastWrite.then(async () => {
      const { lines, bytes } = this.#takeWaiting();
      if (lines.length === 0) return;
      try {
        this.#rotateIfFull(bytes);
        await append(this.#descriptor, lines.join(''));
        this.#inTrouble = false;
      } catch (error) {
        this.#lost(lines.length, error);
      }
    });
    return this.#lastWrite;
  }

  #takeWaiting(): { lines: string[]; bytes: number } {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const taken = { lines: this.#lines, bytes: this.#waitingBytes };
    this.#lines = [];
    this.#waitingBytes = 0;
    return taken;
  }

  #lost(lines: number, error: unknown): void {
    this.droppedLines += lines;
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#options.onTrouble(asError(error));
  }

  #rotateIfFull(moreBytes: number): void {
    if (this.#sizeBytes > 0 && this.#sizeBytes + moreBytes > this.#options.maxBytes) {
      const aged = (age: number): string => (age === 0 ? this.#file : `${this.#file}.${age}`);
      for (let age = this.#options.keptFiles; age > 0; age--) {
        if (fs.existsSync(aged(age - 1))) fs.renameSync(aged(age - 1), aged(age));
      }
      const next = fs.openSync(this.#file, 'a');
      fs.closeSync(this.#descriptor);
      this.#descriptor = next;
      this.#sizeBytes = 0;
    }
    this.#sizeBytes += moreBytes;
  }
}
