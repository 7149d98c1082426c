// The HTTP API as a Fastify app: limits, bodies, errors, routes. It does not listen: whoever wires the process does.

import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { MAX_ID_CHARACTERS } from '../farm/identifier.ts';
import type { ApiContext } from './api-context.ts';
import { ClientErrors } from './client-error.ts';
import { problemAnswerFor, sendProblem } from './error-handler.ts';
import { MAX_BODY_BYTES, takeJsonBodies } from './json-body.ts';
import { refuseUnknownRoutes } from './method-not-allowed.ts';
import { parseQueryString } from './query-string.ts';
import { addClusterRoutes } from './routes/cluster.ts';
import { addFilamentRoutes } from './routes/filaments.ts';
import { addPrintJobRoutes } from './routes/print-jobs.ts';
import { addPrinterRoutes } from './routes/printers.ts';

export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_CONNECTIONS = 10_000;
/** A caller must have sent its headers, and then its whole request, within these. */
export const HEADERS_TIMEOUT_MS = 15_000;
export const REQUEST_TIMEOUT_MS = 30_000;
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Each character of an id is up to four bytes of UTF-8, each of them up to three characters of a URL. */
const MAX_PATH_PARAMETER_CHARACTERS = MAX_ID_CHARACTERS * 4 * 3;

export type CreateAppOptions = ApiContext;

/** Builds the API over an engine. The caller listens on it and closes it. */
export function createApp(context: CreateAppOptions): FastifyInstance {
  const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const answer = problemAnswerFor(error);
    if (answer.isInternal) {
      context.logger.error('a request failed', { method: request.method, url: request.url, error });
      context.onInternalError(error);
    }
    return sendProblem(reply, answer);
  };
  const clientErrors = new ClientErrors();
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    // While the app closes, requests that still arrive get the engine's own answer.
    return503OnClosing: false,
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: MAX_PATH_PARAMETER_CHARACTERS,
      querystringParser: parseQueryString as (text: string) => Record<string, string>,
    },
    ajv: {
      customOptions: {
        allErrors: true,
        allowUnionTypes: true,
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        verbose: true,
      },
    },
    frameworkErrors: answerError,
    clientErrorHandler: (error, socket) => clientErrors.answer(error, socket as Socket),
  });
  app.server.on('request', (request, response) => clientErrors.noteExchange(request, response));
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setErrorHandler(answerError);
  takeJsonBodies(app);
  refuseUnknownRoutes(app);
  logRequests(app, context);
  addPrinterRoutes(app, context);
  addFilamentRoutes(app, context);
  addPrintJobRoutes(app, context);
  addClusterRoutes(app, context);
  return app;
}

function logRequests(app: FastifyInstance, { logger }: ApiContext): void {
  app.addHook('onResponse', (request, reply, done) => {
    logger.debug('request', {
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 1_000) / 1_000,
      from: request.ip,
    });
    done();
  });
}
