// All bounds of the transport. Tests pass smaller ones.

export interface TransportLimits {
  /**
   * Bounds the time from the dial until TCP is connected. Short, so that a dial does not outlast a partition
   * by much.
   */
  readonly connectTimeoutMs: number;
  /** Bounds the time from there until the hello is answered, with the TLS handshake. */
  readonly helloTimeoutMs: number;
  /** The delay between dials doubles from the minimum to the maximum (`BackOff`). */
  readonly minBackOffMs: number;
  readonly maxBackOffMs: number;
  /** A connection is dropped when bytes wait to be sent and none moves for this long. */
  readonly writeStallMs: number;
  /** The interval at which a peer confirms that messages arrive. */
  readonly receiptIntervalMs: number;
  /**
   * A connection is dropped when a message is not confirmed for this long. After a partition TCP may wait for
   * many seconds before it sends again; a new connection does not.
   */
  readonly receiptTimeoutMs: number;
  /** Bounds how long a closed connection may take to send its queue. */
  readonly lingerMs: number;
  readonly keepAliveDelayMs: number;
  /** Bounds the bytes queued for one peer that the system has not taken yet. */
  readonly maxQueuedBytes: number;
  readonly maxQueuedFrames: number;
  readonly maxInboundConnections: number;
}

export const DEFAULT_LIMITS: TransportLimits = {
  connectTimeoutMs: 1_000,
  helloTimeoutMs: 2_000,
  minBackOffMs: 20,
  maxBackOffMs: 1_000,
  writeStallMs: 5_000,
  receiptIntervalMs: 250,
  receiptTimeoutMs: 3_000,
  lingerMs: 1_000,
  keepAliveDelayMs: 5_000,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxQueuedFrames: 16_384,
  maxInboundConnections: 256,
};
