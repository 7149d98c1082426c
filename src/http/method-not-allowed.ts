// Refuses unknown paths and wrong methods before the body is read.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OPERATIONS } from '../api/operations.ts';
import { problem } from './error-handler.ts';

const ROUTES = Object.values(OPERATIONS).map(({ method, path }) => ({
  methods: method === 'GET' ? ['GET', 'HEAD'] : [method],
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
}));

/** Answers 404 `unknown_path` or 405 `method_not_allowed` with `Allow`. */
export function refuseUnknownRoutes(app: FastifyInstance): void {
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const path = request.url.split('?', 1)[0] ?? '';
    const known = ROUTES.filter(({ pattern }) => pattern.test(path));
    if (known.length === 0) throw problem('unknown_path', 'There is nothing at this path: see docs/api.md.');
    const allowed = known
      .flatMap(({ methods }) => methods)
      .sort()
      .join(', ');
    reply.header('allow', allowed);
    throw problem('method_not_allowed', `Use one of ${allowed} on this path.`);
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) refuse(request, reply);
    done();
  });
  app.setNotFoundHandler(refuse);
}
