import type { Socket } from 'node:net';
import type { Logger } from '../../../shared/logger.ts';
import type { TransportHandlers } from '../node/ports/transport.ts';
import type { BoundedLog } from './bounded-log.ts';
import { FrameConnection } from './frame-connection.ts';
import type { TransportLimits } from './limits.ts';
import type { TlsMaterial } from './sockets.ts';

/** The objects that the parts of one transport share. */
export interface TransportContext {
  readonly handlers: TransportHandlers;
  readonly logger: Logger;
  readonly boundedLog: BoundedLog;
  readonly limits: TransportLimits;
  readonly tls: TlsMaterial | undefined;
  readonly live: LiveConnections;
}

/** All connections that are not closed yet, dialled or accepted. */
export class LiveConnections {
  readonly #limits: TransportLimits;
  readonly #connections = new Set<FrameConnection>();
  #whenEmpty: (() => void) | undefined;

  constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  add(socket: Socket, remoteName: string): FrameConnection {
    const connection = new FrameConnection(socket, this.#limits, remoteName);
    this.#connections.add(connection);
    // Registered after the connection's own listener: `onClose` comes before `#whenEmpty`.
    socket.on('close', () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#whenEmpty?.();
    });
    return connection;
  }

  /** Closes all connections and calls `done` when the last one is gone, at once when there is none. */
  closeAll(done: () => void): void {
    this.#whenEmpty = done;
    for (const connection of this.#connections) connection.close();
    if (this.#connections.size === 0) done();
  }
}
