// Short byte strings, cut one after the other from a larger block. V8 gives every typed array of more than 64 bytes an
// allocation outside its heap, which costs several times what filling it costs; keys, records and entries are mostly
// of that length. A block lives for as long as any piece of it: not for what is kept, such as entries of the log.

const BLOCK_BYTES = 16 * 1024;
/** Up to here V8 keeps the bytes beside the object. */
const MAX_IN_HEAP_BYTES = 64;
/** What is longer wastes too much of a block. */
const MAX_PIECE_BYTES = 1_024;

let block = new Uint8Array(BLOCK_BYTES);
let used = 0;

/** `length` bytes, all 0, which nobody else has. */
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
