// Reads pages of a data file. A file that is too short or cannot be read is damaged.

import { fstatSync, readSync } from 'node:fs';
import { check, Damage } from './lmdb-page.ts';

export const TOO_SHORT = 'the file is too short';

export class DataFileReader {
  readonly #descriptor: number;
  readonly fileBytes: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.fileBytes = fstatSync(descriptor).size;
  }

  read(position: number, length: number): Buffer {
    check(position + length <= this.fileBytes, TOO_SHORT);
    const bytes = Buffer.allocUnsafe(length);
    this.readInto(bytes, 0, { position, length });
    return bytes;
  }

  /** Reads `length` bytes into `target`, from `start` on. */
  readInto(
    target: Uint8Array,
    start: number,
    { position, length }: { position: number; length: number },
  ): void {
    check(position + length <= this.fileBytes, TOO_SHORT);
    for (let done = 0; done < length; ) {
      const count = this.#readSome(target, start + done, {
        position: position + done,
        length: length - done,
      });
      check(count > 0, TOO_SHORT);
      done += count;
    }
  }

  #readSome(
    target: Uint8Array,
    start: number,
    { position, length }: { position: number; length: number },
  ): number {
    try {
      return readSync(this.#descriptor, target, start, length, position);
    } catch (cause) {
      throw new Damage(`it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}
