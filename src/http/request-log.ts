// Writes one log line for every answered request.

import { performance } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../shared/logger.ts';

/**
 * Call it before adding hooks that refuse requests. It listens to Node's response, because Fastify's
 * `onResponse` costs a twentieth of a request: it adds and removes listeners and runs hooks.
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
    // A failed answer gets its line too, and must not end the process.
    raw.on('error', log);
    done();
  });
}
