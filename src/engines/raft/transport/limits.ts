// The bounds of the transport, in one place. Tests pass smaller ones.

export interface TransportLimits {
  /** From the dial until TCP is connected. Short: a dial that began in a partition should not outlast it by much. */
  readonly connectTimeoutMs: number;
  /** From there until the hello is answered, a TLS handshake included. */
  readonly helloTimeoutMs: number;
  /** The waits between dials double from the first to the second, each shortened by a random part of up to a half. */
  readonly minBackOffMs: number;
  readonly maxBackOffMs: number;
  /** A connection on which bytes wait and none moves for this long is given up. */
  readonly writeStallMs: number;
  /** A peer says at this pace that our messages arrive. */
  readonly receiptIntervalMs: number;
  /**
   * Messages for which no receipt came for this long: the connection is given up. After a partition TCP may wait
   * for many seconds before it tries again; a new connection does not.
   */
  readonly receiptTimeoutMs: number;
  /** How long a closed connection may take to send what is queued. */
  readonly lingerMs: number;
  readonly keepAliveDelayMs: number;
  /** Queued for one peer and not yet taken by the system. */
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
