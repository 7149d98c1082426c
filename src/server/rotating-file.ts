// The log file: lines are gathered and written off the event loop; a full file is put aside and old ones dropped.

import fs from 'node:fs';
import path from 'node:path';
import { makeDirectory } from '../engines/raft/storage/make-directory.ts';

export interface RotatingFileOptions {
  /** A file is put aside before it would grow past this. */
  readonly maxBytes: number;
  /** How many files that were put aside are kept beside the current one: `<file>.1` is the youngest. */
  readonly keptFiles: number;
  /** Called at the first of a run of failing writes (a full disk), never for each line. */
  readonly onTrouble: (error: Error) => void;
}

/** Lines wait this long for company, so that a busy node writes its log in large pieces. */
const GATHER_MS = 50;
/** Beyond this many waiting bytes the disk is slower than the log: lines are dropped, and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Lines wait as bytes: as strings, each of many parts, so many would be work for the collector. */
const PIECE_BYTES = 64 * 1024;
/** A character of a string is at most so many bytes of UTF-8. */
const MAX_CHARACTER_BYTES = 3;
const NO_BYTES = Buffer.alloc(0);

/**
 * Appends lines to a file. `write` never waits for the disk and never throws: a log that cannot be written
 * must not stop the node. What is lost is counted in `droppedLines`.
 */
export class RotatingFile {
  readonly #file: string;
  readonly #options: RotatingFileOptions;
  #descriptor: number;
  #sizeBytes: number;
  /** Full pieces, in order; the one that is being filled follows them. */
  #fullPieces: Buffer[] = [];
  #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #pieceBytes = 0;
  #fullBytes = 0;
  #waitingLines = 0;
  #writing = false;
  #inTrouble = false;
  #timer: NodeJS.Timeout | undefined;
  #whenIdle: (() => void)[] = [];
  #droppedLines = 0;
  #closed = false;

  /** Creates the directory and opens the file; throws the file system's error when it may not. */
  constructor(file: string, options: RotatingFileOptions) {
    makeDirectory(path.dirname(file));
    this.#file = file;
    this.#options = options;
    this.#descriptor = fs.openSync(file, 'a');
    this.#sizeBytes = fs.fstatSync(this.#descriptor).size;
  }

  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** One line, with its line feed. */
  write(line: string): void {
    if (this.#closed || this.#fullBytes + this.#pieceBytes > MAX_WAITING_BYTES) {
      this.#droppedLines += 1;
      return;
    }
    const mostBytes = line.length * MAX_CHARACTER_BYTES;
    if (mostBytes > PIECE_BYTES - this.#pieceBytes) this.#beginPiece(mostBytes);
    this.#pieceBytes += this.#piece.write(line, this.#pieceBytes);
    this.#waitingLines += 1;
    this.#timer ??= setTimeout(() => this.#writeWaiting(), GATHER_MS);
  }

  /** Writes what waits at once, on the calling thread: for the last moment of a process. */
  flushSync(): void {
    if (this.#closed) return;
    // A piece that is being written meanwhile is finished by its thread before the process ends.
    const { lines, bytes } = this.#takeWaiting();
    if (lines === 0) return;
    try {
      this.#rotateIfFull(bytes.length);
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#descriptor, bytes, at);
    } catch (error) {
      this.#lost(lines, error);
    }
  }

  /** Writes what waits, then releases the file. Lines that come later are dropped. */
  close(done: () => void): void {
    this.#whenIdle.push(() => {
      if (!this.#closed) {
        this.#closed = true;
        fs.closeSync(this.#descriptor);
      }
      done();
    });
    if (!this.#writing) this.#writeWaiting();
  }

  /** A new piece with room for so many bytes, and for more when they are few. */
  #beginPiece(bytes: number): void {
    if (this.#pieceBytes > 0) this.#fullPieces.push(this.#piece.subarray(0, this.#pieceBytes));
    this.#fullBytes += this.#pieceBytes;
    this.#pieceBytes = 0;
    this.#piece = Buffer.allocUnsafe(Math.max(bytes, PIECE_BYTES));
  }

  #takeWaiting(): { lines: number; bytes: Buffer } {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#waitingLines;
    if (lines > 0) this.#beginPiece(0);
    const [first = NO_BYTES, ...others] = this.#fullPieces;
    this.#fullPieces = [];
    this.#fullBytes = 0;
    this.#waitingLines = 0;
    return { lines, bytes: others.length === 0 ? first : Buffer.concat([first, ...others]) };
  }

  /** Invariant: at most one write is under way, so lines keep their order. */
  #writeWaiting(): void {
    if (this.#writing) {
      this.#timer = undefined;
      return;
    }
    const { lines, bytes } = this.#takeWaiting();
    if (lines === 0) {
      this.#idle();
      return;
    }
    this.#writing = true;
    try {
      this.#rotateIfFull(bytes.length);
    } catch (error) {
      this.#finished(lines, error);
      return;
    }
    this.#writeFrom(bytes, 0, lines);
  }

  #writeFrom(bytes: Buffer, at: number, lines: number): void {
    fs.write(this.#descriptor, bytes, at, (error, written) => {
      if (error === null && at + written < bytes.length) this.#writeFrom(bytes, at + written, lines);
      else this.#finished(lines, error);
    });
  }

  #finished(lines: number, error: unknown): void {
    this.#writing = false;
    if (error === null) this.#inTrouble = false;
    else this.#lost(lines, error);
    if (this.#waitingLines > 0) this.#writeWaiting();
    else this.#idle();
  }

  #idle(): void {
    const callbacks = this.#whenIdle;
    this.#whenIdle = [];
    for (const callback of callbacks) callback();
  }

  #lost(lines: number, error: unknown): void {
    this.#droppedLines += lines;
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#options.onTrouble(error instanceof Error ? error : new Error(String(error)));
  }

  #rotateIfFull(moreBytes: number): void {
    if (this.#sizeBytes > 0 && this.#sizeBytes + moreBytes > this.#options.maxBytes) {
      fs.rmSync(`${this.#file}.${this.#options.keptFiles}`, { force: true });
      for (let age = this.#options.keptFiles - 1; age >= 1; age--) {
        renameIfThere(`${this.#file}.${age}`, `${this.#file}.${age + 1}`);
      }
      renameIfThere(this.#file, `${this.#file}.1`);
      const next = fs.openSync(this.#file, 'a');
      fs.closeSync(this.#descriptor);
      this.#descriptor = next;
      this.#sizeBytes = 0;
    }
    this.#sizeBytes += moreBytes;
  }
}

function renameIfThere(from: string, to: string): void {
  if (fs.existsSync(from)) fs.renameSync(from, to);
}
