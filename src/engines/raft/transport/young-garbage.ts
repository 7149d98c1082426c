// V8 counts memory outside of its heap when it decides to look through the whole heap for what is dead, and
// the pieces that a socket gives are such memory: of a snapshot of 365 MB it looked 29 times in two seconds,
// a fifth of what the processor did. It looks through the young objects alone in half a millisecond, and the
// pieces are among those.

/** Between two looks: of this much V8 would not look at the whole yet. */
const BYTES_PER_LOOK = 8 * 1024 * 1024;

/** Where Node was started with `--expose-gc`, as a node is. */
const { gc } = globalThis as { gc?: (options: { readonly type: 'minor' }) => void };

export class YoungGarbage {
  #bytes = 0;

  /** So many bytes came in, and nobody reads them where they were any more. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < BYTES_PER_LOOK) return;
    this.#bytes = 0;
    gc?.({ type: 'minor' });
  }
}
