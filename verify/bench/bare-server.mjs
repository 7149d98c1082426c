// Bare Fastify: one route that answers a constant printer by a schema. `node bare-server.mjs PORT`.

import { fastify } from 'fastify';

const app = fastify({ logger: false });
const properties = { id: { type: 'string' }, company: { type: 'string' }, model: { type: 'string' } };
app.get('/printer', { schema: { response: { 200: { type: 'object', properties } } } }, async () => ({
  id: 'printer-0500',
  company: 'Prusa Research',
  model: 'MK4S, nozzle 0.4 mm',
}));
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
