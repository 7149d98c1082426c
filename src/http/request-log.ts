// One line of the log for every request that was answered.

import { performance } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../shared/logger.ts';

/**
 * Call it before hooks that refuse requests. It listens to Node's response itself: Fastify's `onResponse`, which adds
 * listeners, removes them and runs hooks, is a twentieth of what a request costs.
 */
export function logRequests(app: FastifyInstance, logger: Logger): void {
  app.addHook('onRequest', (request, reply, done) => {
    const startedMs = performance.now();
    const { raw } = reply;
    let isLogged = false;
    const log = (): void => {
      if (isLogged) return;
      isLogged = true;
      logger.debug('request', {
        method: request.method,
        url: request.url,
        status: raw.statusCode,
        durationMs: Math.round((performance.now() - startedMs) * 1_000) / 1_000,
        from: request.ip,
      });
    };
    raw.on('finish', log);
    // An answer that fails is one line too, and nothing that ends the process.
    raw.on('error', log);
    done();
  });
}
