// Short byte strings, cut from a larger block: 1.05 times as many writes a second over 64 connections as with
// a new Uint8Array for each, and 0.92 of the leader's processor time for a write. V8 allocates the memory of
// every typed array of more than 64 bytes outside its heap, which costs several times as much as filling it.
// A block lives as long as any piece of it, so pieces are not for long-lived data.

const BLOCK_BYTES = 16 * 1024;
/** Up to this length V8 keeps the bytes in its heap. */
const MAX_IN_HEAP_BYTES = 64;
/** Longer pieces would waste too much of a block. */
const MAX_PIECE_BYTES = 1_024;

let block = new Uint8Array(BLOCK_BYTES);
let used = 0;

/** Returns `length` bytes of 0 that no other piece shares. */
export function allocateBytes(length: number): Uint8Array {
  if (length <= MAX_IN_HEAP_BYTES || length > MAX_PIECE_BYTES) return new Uint8Array(length);
  if (used + length > BLOCK_BYTES) {
    block = new Uint8Array(BLOCK_BYTES);
    used = 0;
  }
  const piece = block.subarray(used, used + length);
  used += length;
  return piece;
}

export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = allocateBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
