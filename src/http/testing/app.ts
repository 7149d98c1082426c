// An app over an engine with trouble on demand, for the tests of routes. The `unit` project runs them on the
// engine in memory, and the `api-on-raft` project on the embedded one.

import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { checkAnswer } from '../../../verify/kit/contract-check.ts';
import type { EngineHealth, MemberStatus } from '../../engines/engine.ts';
import { MemoryEngine } from '../../engines/testing/memory-engine.ts';
import { startRaftEngine } from '../../engines/testing/raft-engine.ts';
import { TroubledEngine } from '../../engines/testing/troubled-engine.ts';
import { applyCommand } from '../../farm/apply.ts';
import type { LogFields, Logger } from '../../shared/logger.ts';
import type { ApiContext } from '../api-context.ts';
import { createApp } from '../app.ts';

interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface TestApp {
  readonly app: FastifyInstance;
  readonly engine: TroubledEngine;
  readonly logLines: LogLine[];
  readonly internalErrors: unknown[];
}

const SELF = { node: 'node1', peerAddress: '127.0.0.1:7000', httpAddress: '127.0.0.1:8080' };

/** The health and members that both engines show in these tests. */
const HEALTH: Partial<EngineHealth> = {
  node: 'node1',
  clusterId: 'cluster-1',
  leader: SELF,
  details: {
    state: 'leader',
    term: 3,
    commit_index: 0,
    applied_index: 0,
    last_log_index: 0,
    snapshot_index: 0,
  },
};
export const MEMBER: MemberStatus = {
  ...SELF,
  server: 'node1@abc',
  role: 'voter',
  isHealthy: true,
  lastContactMs: 0,
  details: { match_index: 0 },
};

export function createTestEngine(): TroubledEngine {
  const stateMachine = { apply: applyCommand };
  const inner =
    process.env.RAFT3D_TEST_ENGINE === 'raft'
      ? startRaftEngine(stateMachine, { nextTurn: (callback) => setImmediate(callback) })
      : new MemoryEngine(stateMachine, queueMicrotask);
  const engine = new TroubledEngine(inner, queueMicrotask);
  engine.healthChange = HEALTH;
  engine.members = [MEMBER];
  engine.memberOutcome = { kind: 'done', leaderAddress: SELF.peerAddress, role: 'voter' };
  return engine;
}

/** `node` makes the minted ids of two apps differ. */
export function createTestApp(engine: TroubledEngine = createTestEngine(), node = 'node1'): TestApp {
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
  return { app: checked(createApp(context)), engine, logLines, internalErrors };
}

/** Checks every answer of `inject` against the contract. */
function checked(app: FastifyInstance): FastifyInstance {
  const inject = app.inject.bind(app);
  const checkedInject = async (options: InjectOptions | string): Promise<LightMyRequestResponse> => {
    const answer = await inject(options);
    const { method = '', url = '' } = answer.raw.req;
    const headers = new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
    checkAnswer({ method, url, status: answer.statusCode, headers, text: answer.body });
    return answer;
  };
  app.inject = checkedInject as typeof app.inject;
  return app;
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
