// The Idempotency-Key header, and what tells a retry from another request.

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Action } from '../farm/commands/command.ts';
import { isIdempotencyKey, MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../farm/commands/idempotency.ts';
import { invalidRequest } from './error-handler.ts';

/** The key that came with the request, if any; throws `invalid_request` when it is not one. */
export function readIdempotencyKey(request: FastifyRequest): string | undefined {
  // Node joins a header that came twice with ', ', which no key contains.
  const key = request.headers['idempotency-key'];
  if (key === undefined || isIdempotencyKey(key)) return key;
  const message = `must be 1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters, once`;
  throw invalidRequest([{ field: 'Idempotency-Key', message }]);
}

/** Equal for equal requests on every node. `asked` must hold nothing that this node made up, such as a minted id. */
export function fingerprintOf(asked: Action): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
}
