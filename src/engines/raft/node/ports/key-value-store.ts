// The port of durable storage: an ordered key-value store that can give an image of itself.
// Ports call back instead of returning promises: in the simulator one event is one synchronous step.

export type WriteOperation =
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: Uint8Array };

export interface KeyRange {
  /** Inclusive. */
  readonly from: Uint8Array;
  /** Exclusive. */
  readonly to: Uint8Array;
  readonly reverse?: boolean;
}

export interface KeyValueRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Reads one state of the store. Keys are ordered bytewise and are 1 to MAX_KEY_BYTES long. */
export interface KeyValueReader {
  /** Returns bytes that the caller owns. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Lazy and synchronous. Drain or abandon it before control returns to the event loop. */
  range(range: KeyRange): Iterable<KeyValueRow>;
}

/**
 * The whole store at one moment, as bytes that only stores of the same kind can read. It holds every write
 * that was done before, and does not change while writes go on. It costs disk space until it is closed.
 */
export interface StoreImage extends Pick<KeyValueReader, 'get'> {
  readonly sizeBytes: number;
  /**
   * Reads bytes `offset` to `offset + length`, which must be inside the image. The bytes are the caller's
   * until `done` returns. One read at a time. After a close `done` is not called.
   */
  read(offset: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void;
  close(): void;
}

/**
 * The place where an incoming image is put together, beside the store. The store ignores it until it is
 * adopted, and a crash removes it. Callbacks never run inside the call, nor after `discard`.
 */
export interface ImageStaging {
  /** Appends bytes. After an error, `disk_full` or `storage_failed`, the image is lost. */
  append(bytes: Uint8Array, done: (error: Error | undefined) => void): void;
  /**
   * Ends the image: makes it durable and checks every row, in slices that let other work run. `onProgress` is
   * called now and then. Afterwards `get` reads from the image. An error is one of `append`'s,
   * `image_damaged`, or what the row check throws.
   */
  finish(onProgress: () => void, done: (error: Error | undefined) => void): void;
  /** Reads from the finished image. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Drops the image. Does nothing once the image is adopted or its adoption has begun. */
  discard(): void;
}

export interface ImageAdoption {
  /** A finished image of this store. It is adopted once. */
  readonly staging: ImageStaging;
  /** The image's rows in this range replace the store's. */
  readonly range: KeyRange;
  /** The store's rows in this range, outside `range`, are deleted. All other rows stay. */
  readonly dropped: KeyRange;
  /** Carried out afterwards, on rows outside `range`. */
  readonly operations: readonly WriteOperation[];
}

/**
 * A durable, ordered key-value store: LMDB in production, a fault-injecting one in the simulator. Reads see
 * at least every write whose `done` was called, and may see writes under way.
 */
export interface KeyValueStore extends KeyValueReader {
  /**
   * Writes all of `operations` or none. `done` is called once, never inside the call, and without an error
   * only when the whole write survives a power cut. Writes take effect in the order of the calls. The store
   * owns the bytes from the call on.
   * A failed write leaves the store as it was, though a crash may bring it back if no other write followed.
   * The error is CodedError `disk_full` (the same write may be tried again later) or `storage_failed` (stop
   * the node).
   */
  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void;
  /** `done` gets the image, or an error of `write`'s. Several images may be open. */
  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void;
  /** Begins an image of `sizeBytes`. The previous one must have been adopted or discarded. */
  stageImage(sizeBytes: number): ImageStaging;
  /**
   * Adopts an image with `operations`, as one write: atomic, in the order of the `write` calls, with their
   * errors. No image of this store may be open. After `disk_full` the same adoption may be tried again.
   */
  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void;
  space(): StorageSpace;
  /** Finishes the writes under way, then releases the files. */
  close(done: () => void): void;
}

export interface StorageSpace {
  /** Free bytes of the file system. */
  readonly freeBytes: number;
  /** With less free space a leader refuses proposals, so that votes and membership can still be written. */
  readonly reserveBytes: number;
  readonly usedBytes: number;
}

export const MAX_KEY_BYTES = 1_900;
