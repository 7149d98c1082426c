// Operations as bytes, one behind the other. Each as an object, with a key and a value of its own, is six
// objects in V8's heap, which its collector copies twice before they are let go of: what waits for a
// checkpoint lives for so long.

import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { operationAt, operationBytes, writeOperation } from './journal-frame.ts';

/** An operation that is longer has a chunk of its own. */
const CHUNK_BYTES = 64 * 1024;

export class OperationArena {
  readonly #chunks: Buffer[] = [];
  /** Of the last chunk. */
  #usedBytes = CHUNK_BYTES;

  /** Copies the operation, and returns the place to find it at again. */
  add(operation: WriteOperation): number {
    const bytes = operationBytes(operation);
    if (this.#usedBytes + bytes > CHUNK_BYTES) {
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(bytes, CHUNK_BYTES)));
      this.#usedBytes = 0;
    }
    const at = this.#usedBytes;
    const last = this.#chunks.length - 1;
    this.#usedBytes = writeOperation(this.#chunks[last] as Buffer, at, operation);
    return last * CHUNK_BYTES + at;
  }

  /** Its key and value are views of what stays as it is. */
  at(place: number): WriteOperation {
    const at = place % CHUNK_BYTES;
    return operationAt(this.#chunks[(place - at) / CHUNK_BYTES] as Buffer, at);
  }
}
