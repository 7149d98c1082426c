import type { Engine } from '../engines/engine.ts';
import type { Logger } from '../shared/logger.ts';

/** Everything that the routes need: the engine, and what only the process knows. */
export interface ApiContext {
  readonly engine: Engine;
  /** Milliseconds since 1970, for the times in commands. */
  readonly wallClock: () => number;
  /**
   * Calls back at the end of this turn of the event loop. Answers that are written together cost the system
   * fewer wake-ups than single ones between requests. The callback must not throw.
   */
  readonly soon: (callback: () => void) => void;
  /** Returns an id that no node has minted before, of 1 to 128 characters. */
  readonly mintId: () => string;
  /** The program's version, for `/cluster/status` and the OpenAPI document. */
  readonly version: string;
  /** host:port that peers and callers dial to reach this node. */
  readonly addresses: { readonly raft: string; readonly http: string };
  readonly logger: Logger;
  /**
   * Called when a bug or a failed store ended a request. The caller got 500 `internal_error`. The process
   * decides whether the node continues.
   */
  readonly onInternalError: (error: unknown) => void;
}
