// An app over a TestEngine, for the tests of routes.

import type { FastifyInstance } from 'fastify';
import type { LogFields, Logger } from '../../shared/logger.ts';
import type { ApiContext } from '../api-context.ts';
import { createApp } from '../app.ts';
import { TestEngine } from './engine.ts';

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface TestApp {
  readonly app: FastifyInstance;
  readonly engine: TestEngine;
  readonly logLines: LogLine[];
  readonly internalErrors: unknown[];
}

/** `node` makes the minted ids of two apps differ. */
export function createTestApp(engine: TestEngine = new TestEngine(), node = 'node1'): TestApp {
  const logLines: LogLine[] = [];
  const internalErrors: unknown[] = [];
  const lineWriter = (level: keyof Logger) => (message: string, fields?: LogFields) => {
    logLines.push({ level, message, fields });
  };
  let mintedIds = 0;
  const context: ApiContext = {
    engine,
    wallClock: () => 1_700_000_000_000,
    soon: (callback) => setImmediate(callback),
    mintId: () => {
      mintedIds += 1;
      return `${node}-minted-${mintedIds}`;
    },
    version: '0.0.0-test',
    addresses: { raft: '127.0.0.1:7000', http: '127.0.0.1:8080' },
    logger: {
      debug: lineWriter('debug'),
      info: lineWriter('info'),
      warn: lineWriter('warn'),
      error: lineWriter('error'),
    },
    onInternalError: (error) => internalErrors.push(error),
  };
  return { app: createApp(context), engine, logLines, internalErrors };
}

/** Printer `p` and filament `f` with a kilogram. */
export async function stockShop(app: FastifyInstance): Promise<void> {
  const posts = [
    ['/api/v1/printers', { id: 'p', company: 'Prusa', model: 'MK4' }],
    ['/api/v1/filaments', { id: 'f', type: 'PLA', color: 'Red', total_weight_in_grams: 1_000 }],
  ] as const;
  for (const [url, payload] of posts) {
    const { statusCode } = await app.inject({ method: 'POST', url, payload });
    if (statusCode !== 201) throw new Error(`POST ${url} answered ${statusCode}`);
  }
}

export function printJob(id: string, grams: number): object {
  return { id, printer_id: 'p', filament_id: 'f', filepath: '/x.gcode', print_weight_in_grams: grams };
}
