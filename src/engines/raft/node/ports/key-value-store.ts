// The port of durable storage: an ordered key-value store with images of itself.
// Ports call back and return no promises: in the simulator one event is one synchronous step.

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

/** Reads over one state of the store. Keys are ordered bytewise, 1 to MAX_KEY_BYTES long. */
export interface KeyValueReader {
  /** The caller owns the bytes that come back. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Lazy and synchronous; must be drained or abandoned before control returns to the event loop. */
  range(range: KeyRange): Iterable<KeyValueRow>;
}

/**
 * The whole store at one moment, as bytes that mean something to stores of the same kind only. It holds every write that
 * was done before it was asked for, and stays as it is until closed, while writes go on: close it soon, it costs room.
 */
export interface StoreImage extends Pick<KeyValueReader, 'get'> {
  readonly sizeBytes: number;
  /**
   * Bytes `offset` to `offset + length`, which are inside of the image. They are the caller's until `done` returns, and the
   * next piece may be asked for then. Nothing is heard of a read that a close cuts short.
   */
  read(offset: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void;
  close(): void;
}

/**
 * The place where a coming image is put together, beside the store: what is there is nothing to the store until it is
 * adopted, and is gone after a crash. Callbacks are never called inside the call, nor after `discard`.
 */
export interface ImageStaging {
  /** Behind what was appended before. An error is `disk_full` or `storage_failed`, and the image is lost then. */
  append(bytes: Uint8Array, done: (error: Error | undefined) => void): void;
  /**
   * All bytes are there: makes them durable and checks every row of them, in pieces between which others have their turn.
   * `onProgress` is called now and then. Afterwards `get` reads from the image. An error is one of those of `append`,
   * `image_damaged`, or what the check of a row says.
   */
  finish(onProgress: () => void, done: (error: Error | undefined) => void): void;
  /** Of the finished image. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Gives it up, unless it was adopted or is being adopted: then it does nothing. */
  discard(): void;
}

export interface ImageAdoption {
  /** Finished, of this store, and adopted once. */
  readonly staging: ImageStaging;
  /** Rows in here become those of the image. */
  readonly range: KeyRange;
  /** Rows in here, outside of that range, go. All others stay as they are. */
  readonly dropped: KeyRange;
  /** Done then, to rows outside of `range`. */
  readonly operations: readonly WriteOperation[];
}

/**
 * A durable, ordered key-value store: LMDB in production, a fault-injecting one in the simulator.
 * Reads see at least every write whose `done` has been called, and may see ones still under way.
 */
export interface KeyValueStore extends KeyValueReader {
  /**
   * Writes all of `operations` or none. `done` is called once, never before this call returned, and without an
   * error only when the whole write would survive a power cut. Writes take effect in the order of the calls.
   * The bytes are the store's from the call on. A write that fails leaves the store as it was (after a crash it may be
   * there all the same, if no other was written since); the error is a CodedError `disk_full` (there may be room
   * later, and the same write may then be tried again) or `storage_failed` (stop the node).
   */
  write(operations: readonly WriteOperation[], done: (error: Error | undefined) => void): void;
  /** `done` gets an error of `write`'s, or the image. Several may be open. */
  openImage(done: (error: Error | undefined, image: StoreImage | undefined) => void): void;
  /** For an image of so many bytes. One at a time: the last one was adopted or discarded. */
  stageImage(sizeBytes: number): ImageStaging;
  /**
   * One write, in the order of the calls of `write`, done and failing as those: wholly the image's rows in the range and the
   * operations beside it, or as if nothing had been. No image of this store may be open. After `disk_full` the same may be tried again.
   */
  adopt(adoption: ImageAdoption, done: (error: Error | undefined) => void): void;
  space(): StorageSpace;
  /** Finishes what is under way, then releases the files. */
  close(done: () => void): void;
}

export interface StorageSpace {
  /** What the file system still has for this store. */
  readonly freeBytes: number;
  /** Below this a leader takes no new proposals, so that elections and membership can still be recorded. */
  readonly reserveBytes: number;
  readonly usedBytes: number;
}

export const MAX_KEY_BYTES = 1_900;
