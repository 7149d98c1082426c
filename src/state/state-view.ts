// The farm's view of its replicated state: an ordered map from strings to JSON values.

/** A JSON value. A value that was read or written is never changed in place: write a new one. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

export interface RangeOptions {
  /** Only keys that begin with this. */
  readonly prefix: string;
  /** Only keys after this one. A whole key, prefix included. */
  readonly after?: string;
}

/** A consistent view of the state. Keys are ordered by their UTF-8 bytes. */
export interface StateReader {
  get(key: string): Json | undefined;
  /** Like `get`, for one of many rows that are hardly read again soon. */
  getOnce(key: string): Json | undefined;
  /** Lazy. The iterator is not valid after a return to the event loop. */
  range(options: RangeOptions): Iterable<readonly [key: string, value: Json]>;
  /**
   * Returns a number that grows when a row of the collection `prefix` may have changed. See collectionOf.
   * Numbers of different processes do not compare.
   */
  version(prefix: string): number;
}

/** Returns the collection of a key: the key up to and including its first slash. */
export function collectionOf(key: string): string {
  return key.slice(0, key.indexOf('/') + 1);
}

/** The state inside `apply`. Later reads see a write at once. It becomes durable with the applied index. */
export interface StateView extends StateReader {
  put(key: string, value: Json): void;
  delete(key: string): void;
}
