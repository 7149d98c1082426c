// The HTTP API as a Fastify app: limits, bodies, errors, routes. The caller makes it listen.

import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { openapi } from '../api/openapi.ts';
import { MAX_ID_CHARACTERS } from '../farm/model/identifier.ts';
import { addOperation } from './add-operation.ts';
import type { ApiContext } from './api-context.ts';
import { ClientErrors } from './client-error.ts';
import { problem, problemAnswerFor, sendProblem } from './error-handler.ts';
import { takeJsonBodies } from './json-body.ts';
import { ListAnswers } from './list-answers.ts';
import { refuseUnknownRoutes } from './method-not-allowed.ts';
import { parseQueryString } from './query-string.ts';
import { logRequests } from './request-log.ts';
import { addClusterRoutes } from './routes/cluster.ts';
import { addFilamentRoutes } from './routes/filaments.ts';
import { addPrintJobRoutes } from './routes/print-jobs.ts';
import { addPrinterRoutes } from './routes/printers.ts';
import { WholeRequest } from './whole-request.ts';
import { WholeResponse } from './whole-response.ts';

export const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 10_000;
/** Time for a caller to send its headers. For tests: slow clients wait for it. */
export const HEADERS_TIMEOUT_MS = 15_000;
/** Time for a caller to send its whole request. For tests: slow clients wait for it. */
export const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often Node checks connections against these bounds. Its default of 30 s would double them. */
const CONNECTION_CHECK_INTERVAL_MS = 2_000;
/** A character of an id is up to four bytes of UTF-8, and each byte up to three characters of a URL. */
const MAX_PATH_PARAMETER_CHARACTERS = MAX_ID_CHARACTERS * 4 * 3;

/** Builds the API over an engine. The caller listens on it and closes it. */
export function createApp(context: ApiContext): FastifyInstance {
  const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const answer = problemAnswerFor(error);
    // Fastify closes the connection after a body that it refused. Bytes that are still on their way would
    // turn that into a reset, and the caller would lose the answer. Node discards the rest of the body
    // instead.
    reply.removeHeader('connection');
    if (answer.isInternal) {
      context.logger.error('a request failed', { method: request.method, url: request.url, error });
      context.onInternalError(error);
    }
    return sendProblem(reply, answer);
  };
  const clientErrors = new ClientErrors();
  const app = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      IncomingMessage: WholeRequest,
      ServerResponse: WholeResponse,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTION_CHECK_INTERVAL_MS,
      // Node's own refusal is no problem document. See refuseRequestsWithoutHost.
      requireHostHeader: false,
    },
    // While the app closes, the engine refuses requests that still arrive.
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
        // Checking our own schemas would compile a schema of schemas at every start.
        validateSchema: false,
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
  // Bytes bound the headers. A bound on their number would silently drop the last ones, such as an
  // Idempotency-Key.
  app.server.maxHeadersCount = 0;
  // An unknown `Expect` header is ignored and the request is handled as usual.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.setErrorHandler(answerError);
  takeJsonBodies(app);
  logRequests(app, context.logger);
  refuseRequestsWithoutHost(app);
  refuseUnknownRoutes(app);
  const listContext = { ...context, lists: new ListAnswers(context.engine) };
  addPrinterRoutes(app, listContext);
  addFilamentRoutes(app, listContext);
  addPrintJobRoutes(app, listContext);
  addClusterRoutes(app, context);
  addOperation(app, 'openApi', async () => openapi(context.version));
  return app;
}

/** HTTP/1.1 demands a Host header (RFC 9112 §3.2). */
function refuseRequestsWithoutHost(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const isRefused = raw.httpVersion === '1.1' && raw.headers.host === undefined;
    done(isRefused ? problem('malformed_request', 'Send a Host header.') : undefined);
  });
}
