// Bodies: JSON, in UTF-8, small and flat.

import type { FastifyInstance } from 'fastify';
import { problem } from './error-handler.ts';
import { type BodyFailure, takeBody } from './whole-request.ts';

export const MAX_BODY_BYTES = 1024 * 1024;
/** More fields than any call has: bounds the work of saying which of them are unknown. */
export const MAX_BODY_FIELDS = 64;

const FAILURES: Readonly<Record<BodyFailure, () => Error>> = {
  'too-large': () => problem('body_too_large', 'Send a body of at most 1 MiB.'),
  'cut-off': () => problem('malformed_request', 'The request could not be read: send it again, complete.'),
};

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Takes `application/json` and nothing else; an empty body is as good as none, whatever its type. */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', ({ raw }, _payload, done) => {
    takeBody(raw, MAX_BODY_BYTES, (failure, body) => {
      let value: unknown;
      try {
        if (failure !== undefined) throw FAILURES[failure]();
        value = parseBody(body);
      } catch (error) {
        done(error as Error);
        return;
      }
      done(null, value);
    });
  });
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (request.headers['content-length'] === '0') done(null, undefined);
    else done(problem('unsupported_media_type', 'Send the body as Content-Type: application/json.'));
  });
}

function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch (cause) {
    throw problem('malformed_json', 'Send one JSON object in UTF-8.', { cause });
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > MAX_BODY_FIELDS) {
    throw problem('invalid_request', `Send at most ${MAX_BODY_FIELDS} fields.`, {
      fields: { errors: [{ field: 'body', message: `must have at most ${MAX_BODY_FIELDS} fields` }] },
    });
  }
  return value;
}
