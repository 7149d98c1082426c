// The Idempotency-Key header, and the fingerprint that tells a retry from another request.

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Action } from '../farm/commands/command.ts';
import { isIdempotencyKey, MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../farm/commands/idempotency.ts';
import { invalidRequest } from './error-handler.ts';

/** Returns the request's key, if any. Throws `invalid_request` for a malformed key. */
export function readIdempotencyKey(request: FastifyRequest): string | undefined {
  // Node joins a header that came twice with ', ', which no key contains.
  const key = request.headers['idempotency-key'];
  if (key === undefined || isIdempotencyKey(key)) return key;
  const message = `must be 1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters, once`;
  throw invalidRequest([{ field: 'Idempotency-Key', message }]);
}

/**
 * Equal for equal requests on every node. `asked` must not hold values that this node made up, such as a
 * minted id.
 */
export function fingerprintOf(asked: Action): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
}
