import type { FastifyInstance } from 'fastify';
import { openapi } from '../../api/openapi.ts';
import { addOperation } from '../add-operation.ts';
import type { ApiContext } from '../api-context.ts';

export function addOpenApiRoute(app: FastifyInstance, { version }: ApiContext): void {
  addOperation(app, 'openApi', async () => openapi(version));
}
