// The world of the real transport: sockets on the loopback interface.

import type { TransportLimits } from '../../src/engines/raft/transport/limits.ts';
import type { TlsMaterial } from '../../src/engines/raft/transport/sockets.ts';
import { TcpTransport } from '../../src/engines/raft/transport/tcp-transport.ts';
import { parseAddress } from '../../src/shared/address.ts';
import type { Logger } from '../../src/shared/logger.ts';
import type { TransportHarness } from './transport-world.ts';

const WAIT_BOUND_MS = 30_000;

interface TcpHarnessOptions {
  readonly tls?: TlsMaterial;
  readonly limits?: Partial<TransportLimits>;
  readonly logger?: Logger;
}

/** Drops every line. */
export const discardingLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function tcpHarness(options: TcpHarnessOptions = {}): TransportHarness {
  const open = new Set<TcpTransport>();
  return {
    async start(handlers, address = '127.0.0.1:0') {
      const transport = new TcpTransport({
        listenAddress: parseAddress(address),
        logger: options.logger ?? discardingLogger,
        tls: options.tls,
        limits: options.limits ?? {},
      });
      await new Promise<void>((resolve, reject) => {
        transport.start(handlers, (error) => (error === undefined ? resolve() : reject(error)));
      });
      open.add(transport);
      const close = transport.close.bind(transport);
      transport.close = (done) => {
        open.delete(transport);
        close(done);
      };
      return { transport, address: transport.listenAddress };
    },

    until: waitUntil,

    async close() {
      await Promise.all(
        [...open].map((transport) => new Promise<void>((resolve) => transport.close(resolve))),
      );
    },
  };
}

/** Waits until `condition` holds, which is asked every millisecond. Fails with `what` after WAIT_BOUND_MS. */
export async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_BOUND_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
