// All bounds of the transport. Tests pass smaller ones.

export const DEFAULT_LIMITS = {
  /** From the dial until TCP is connected. Short: a dial must not outlast a partition by much. */
  connectTimeoutMs: 1_000,
  /** Bounds the time from there until the hello is answered, with the TLS handshake. */
  helloTimeoutMs: 2_000,
  /** The delay between dials doubles from the minimum to the maximum (`BackOff`). */
  minBackOffMs: 20,
  maxBackOffMs: 1_000,
  /** A connection is dropped when bytes wait to be sent and none moves for this long. */
  writeStallMs: 5_000,
  /** The interval at which a peer confirms that messages arrive. */
  receiptIntervalMs: 250,
  /**
   * A connection is dropped when a message is not confirmed for this long. After a partition TCP may wait for
   * many seconds before it sends again; a new connection does not.
   */
  receiptTimeoutMs: 3_000,
  /** Bounds how long a closed connection may take to send its queue. */
  lingerMs: 1_000,
  keepAliveDelayMs: 5_000,
  /** Bounds the bytes queued for one peer that the system has not taken yet. */
  maxQueuedBytes: 16 * 1024 * 1024,
  maxQueuedFrames: 16_384,
  maxInboundConnections: 256,
};

export type TransportLimits = Readonly<typeof DEFAULT_LIMITS>;
