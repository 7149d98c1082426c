// Refuses unknown paths and wrong methods before the body is read.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problem } from './error-handler.ts';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** Answers 404 `unknown_path` or 405 `method_not_allowed` with `Allow`. Call it before routes are added. */
export function refuseUnknownRoutes(app: FastifyInstance): void {
  const pathsByUrl = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = pathsByUrl.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const one of [method].flat()) known.methods.add(one);
    pathsByUrl.set(url, known);
  });
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const path = request.url.split('?', 1)[0] ?? '';
    const known = [...pathsByUrl.values()].find(({ pattern }) => pattern.test(path));
    if (known === undefined) throw problem('unknown_path', 'There is nothing at this path: see docs/api.md.');
    const allowed = [...known.methods].sort().join(', ');
    reply.header('allow', allowed);
    throw problem('method_not_allowed', `Use one of ${allowed} on this path.`);
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) refuse(request, reply);
    done();
  });
  app.setNotFoundHandler(refuse);
}

/** Route URLs consist of plain segments and `:parameters`. */
function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', '\\.').replace(/:[^/]+/g, '[^/]+')}/?$`);
}
