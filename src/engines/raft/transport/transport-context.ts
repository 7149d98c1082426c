import type { Socket } from 'node:net';
import type { Logger } from '../../../shared/logger.ts';
import type { TransportHandlers } from '../node/ports/transport.ts';
import type { BoundedLog } from './bounded-log.ts';
import { type ConnectionOptions, FrameConnection } from './frame-connection.ts';
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
  readonly #sockets = new Map<Socket, FrameConnection>();
  #whenEmpty: (() => void) | undefined;

  add(socket: Socket, options: ConnectionOptions): FrameConnection {
    const connection = new FrameConnection(socket, options);
    this.#sockets.set(socket, connection);
    // Registered after the connection's own listener: `onClosed` comes before `#whenEmpty`.
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#whenEmpty?.();
    });
    return connection;
  }

  /** Closes all connections and calls `done` when the last one is gone, at once when there is none. */
  closeAll(done: () => void): void {
    if (this.#sockets.size === 0) {
      done();
      return;
    }
    this.#whenEmpty = done;
    for (const connection of this.#sockets.values()) connection.close();
  }
}
