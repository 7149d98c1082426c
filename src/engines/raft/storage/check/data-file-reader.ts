// Reads a data file for its check: what is not there, or cannot be read, is damage.

import { fstatSync, readSync } from 'node:fs';
import { check, Damage } from '../lmdb/lmdb-page.ts';

export class DataFileReader {
  readonly #descriptor: number;
  readonly fileBytes: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.fileBytes = fstatSync(descriptor).size;
  }

  read(position: number, length: number): Buffer {
    check(position + length <= this.fileBytes, 'the file ends too early');
    const bytes = Buffer.allocUnsafe(length);
    this.readInto(bytes, 0, { position, length });
    return bytes;
  }

  /** Fills `target` from `start` on, where there is room for `length` bytes. */
  readInto(
    target: Uint8Array,
    start: number,
    { position, length }: { position: number; length: number },
  ): void {
    check(position + length <= this.fileBytes, 'the file ends too early');
    for (let done = 0; done < length; ) {
      const count = this.#readSome(target, start + done, {
        position: position + done,
        length: length - done,
      });
      check(count > 0, 'the file ends too early');
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
