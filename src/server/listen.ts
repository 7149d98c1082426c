// Binds the API to the address of -http.

import type { FastifyInstance } from 'fastify';
import type { Address } from '../shared/address.ts';
import { CodedError } from '../shared/coded-error.ts';

/** Throws CodedError `address_in_use` or `listen_failed`. */
export async function listen(app: FastifyInstance, { host, port }: Address): Promise<void> {
  try {
    await app.listen({ port, host: host === '' ? '::' : host }).catch(async (error) => {
      // An empty host means every address of this machine, and works without IPv6 too.
      if (host !== '' || (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL')) throw error;
      await app.listen({ port, host: '0.0.0.0' });
    });
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === 'EADDRINUSE') {
      const message = `${host}:${port} is in use: stop what listens there, or choose another -http`;
      throw new CodedError('address_in_use', message, { cause });
    }
    const message = `cannot listen on ${host}:${port} (${code ?? String(cause)}): choose another -http`;
    throw new CodedError('listen_failed', message, { cause });
  }
}
