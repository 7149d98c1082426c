// Reads pages of a data file. A file that is too short or cannot be read is damaged.

import { fstatSync, readSync } from 'node:fs';
import { asError } from '../../../../shared/coded-error.ts';
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
    return this.fill(Buffer.allocUnsafe(length), position);
  }

  /** Fills `target` with the bytes from `position` on, and returns it. */
  fill<Bytes extends Uint8Array>(target: Bytes, position: number): Bytes {
    check(position + target.length <= this.fileBytes, TOO_SHORT);
    for (let done = 0; done < target.length; ) {
      let count: number;
      try {
        count = readSync(this.#descriptor, target, done, target.length - done, position + done);
      } catch (cause) {
        throw new Damage(`it cannot be read: ${asError(cause).message}`);
      }
      check(count > 0, TOO_SHORT);
      done += count;
    }
    return target;
  }
}
