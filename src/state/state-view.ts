// How the farm sees its replicated state: an ordered map of strings to JSON values.

/** A JSON value. Values handed out or in are never changed in place: write a new one. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

export interface RangeOptions {
  /** Only keys that begin with this. */
  readonly prefix: string;
  /** Only keys after this one (before it, when `reverse`). A whole key, prefix included. */
  readonly after?: string;
  readonly reverse?: boolean;
}

/** A consistent picture of the state. Keys are ordered by their UTF-8 bytes. */
export interface StateReader {
  get(key: string): Json | undefined;
  /** As `get`, for one of many rows that will hardly be asked for again soon. */
  getOnce(key: string): Json | undefined;
  /** Lazy: stop iterating when you have enough. Not valid across a return to the event loop. */
  range(options: RangeOptions): Iterable<readonly [key: string, value: Json]>;
  /**
   * Grows whenever rows of a collection may have changed: those whose keys begin with `prefix`, which is what keys have
   * up to their first slash, that included. Good for comparison within one process.
   */
  version(prefix: string): number;
}

/** Up to the first slash of a key, that included: which collection its row belongs to. */
export function collectionOf(key: string): string {
  return key.slice(0, key.indexOf('/') + 1);
}

/** The state inside `apply`: what is written is seen at once by later reads, and becomes durable with the applied index. */
export interface StateView extends StateReader {
  put(key: string, value: Json): void;
  delete(key: string): void;
}
