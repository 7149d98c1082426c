import type { Engine } from '../engines/engine.ts';
import type { Logger } from '../shared/logger.ts';
import type { ListAnswers } from './list-answers.ts';

/** What the routes are given: consensus, and the few things that only the process knows. */
export interface ApiContext {
  readonly engine: Engine;
  /** Milliseconds since 1970, for the times in commands. */
  readonly wallClock: () => number;
  /**
   * Calls back at the end of this turn of the event loop: answers that are ready at once and are written together cost the
   * system fewer wake-ups than one by one between the requests that are being read. The callback must not throw.
   */
  readonly soon: (callback: () => void) => void;
  /** An id that no node has minted before, 1 to 128 characters. */
  readonly mintId: () => string;
  /** The program's version, as `/cluster/status` says it. */
  readonly version: string;
  /** host:port that peers and callers are told to dial for this node. */
  readonly addresses: { readonly raft: string; readonly http: string };
  readonly logger: Logger;
  /**
   * Called when a request ended in an error that is no answer to the caller: a bug, or a store that failed. The caller
   * got 500 `internal_error`; whoever wires the process decides whether the node goes on.
   */
  readonly onInternalError: (error: unknown) => void;
}

/** For routes that list. */
export interface ListContext extends ApiContext {
  readonly lists: ListAnswers;
}
