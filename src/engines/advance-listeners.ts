// The listeners of an engine's `onAdvance`.

import type { Position } from './engine.ts';

type Listener = (position: Position) => void;

export class AdvanceListeners {
  readonly #entries = new Set<{ readonly listener: Listener }>();

  /** Adds a listener, also one that is there already. Returns a function that removes it. */
  add(listener: Listener): () => void {
    const entry = { listener };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  notify(position: Position): void {
    for (const { listener } of this.#entries) listener(position);
  }
}
