// Serialised lists. A list is valid for as long as its collection keeps its version.

import { createHash } from 'node:crypto';

/** A list as the API sends it. */
export interface ListAnswer {
  readonly body: Buffer;
  /** A strong tag of these bytes, the same on every node. */
  readonly etag: string;
  /** The id after which the next page begins; undefined at the end of the list. */
  readonly nextAfter: string | undefined;
}

/** Longer lists are not kept. */
export const MAX_KEPT_BYTES = 1024 * 1024;
const MAX_BYTES = 8 * 1024 * 1024;
/** Memory of an answer beside its body. */
const ANSWER_BYTES = 512;

interface Kept {
  readonly version: number;
  readonly answer: ListAnswer;
  readonly bytes: number;
}

export function listAnswer(text: string, nextAfter: string | undefined): ListAnswer {
  const body = Buffer.from(text);
  return { body, etag: `"${createHash('sha1').update(body).digest('base64url')}"`, nextAfter };
}

export class ListCache {
  /** In order of use: the least recently used answer stands first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** Returns the answer under `key`, if its collection had this version. */
  get(key: string, version: number): ListAnswer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#remove(key, kept);
    // Versions only grow, so an older answer is never valid again.
    if (kept.version !== version) return undefined;
    this.#add(key, kept);
    return kept.answer;
  }

  keep(key: string, version: number, answer: ListAnswer): void {
    const bytes = answer.body.length + 2 * key.length + ANSWER_BYTES;
    if (bytes > MAX_KEPT_BYTES) return;
    const previous = this.#kept.get(key);
    if (previous !== undefined) this.#remove(key, previous);
    this.#add(key, { version, answer, bytes });
    for (const [oldest, kept] of this.#kept) {
      if (this.#bytes <= MAX_BYTES) return;
      this.#remove(oldest, kept);
    }
  }

  #add(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#bytes += kept.bytes;
  }

  #remove(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }
}
