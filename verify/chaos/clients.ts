// Clients of the farm, some at every node. Each sends one request after the other, repeats it after a
// time-out where that is safe, and records the answers.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Draws } from '../kit/draws.ts';
import { isRead } from '../kit/farm-model.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { Violations } from '../kit/violations.ts';
import type { Operation } from './acknowledged.ts';
import { send } from './farm-requests.ts';
import type { Ending, History } from './history.ts';

const CLIENTS_PER_NODE = 2;
/** Workcells in use at a time: few, so that clients use the same ones. */
const WORKCELLS = 4;
const MEAN_THINK_MS = 40;
const RETRY_PAUSE_MS = 150;
const MAX_ATTEMPTS = 5;
/** Shorter than some faults, so that clients sometimes give up. */
const MIN_PATIENCE_MS = 500;
const MAX_PATIENCE_MS = 4_000;
const KEYED_CHANCE = 0.7;
const SPOOL_GRAMS = 1_000;
/** Large enough that some jobs exceed their spool and are refused. */
const MAX_JOB_GRAMS = 150;
const NEW_JOB_CHANCE = 0.8;
/** Older jobs are most likely done, and accept no status any more. */
const RECENT_JOBS = 3;
const RECENT_CHANCE = 0.8;
const STATUSES = { Queued: 1, Running: 8, Done: 4, Canceled: 2, Failed: 2 };
/** The weight of creating a printer or spool, against 21 for all other operations. */
const FURNISHING_WEIGHT = 20;
/** After this many operations a new workcell most likely has its printer and its spool. */
const FURNISHING_OPERATIONS = 5;

/** A workcell as the clients know it. */
interface Workcell {
  readonly name: string;
  operations: number;
  jobs: number;
}

export class Clients {
  readonly #nodes: readonly NodeProcess[];
  readonly #history: History;
  readonly #violations: Violations;
  readonly #workcells: Workcell[] = [];
  #workcellCount = 0;
  #operationCount = 0;
  #isStopped = false;
  #loops: Promise<void>[] = [];
  /** Attempts that were refused because a disk was full. */
  refusedForRoom = 0;

  constructor(nodes: readonly NodeProcess[], history: History, violations: Violations) {
    this.#nodes = nodes;
    this.#history = history;
    this.#violations = violations;
    for (let workcell = 0; workcell < WORKCELLS; workcell += 1) this.#workcells.push(this.#newWorkcell());
  }

  start(draws: Draws): void {
    this.#loops = this.#nodes.flatMap((node) =>
      Array.from({ length: CLIENTS_PER_NODE }, (_, at) =>
        this.#loop(`${node.id}-client${at + 1}`, node, draws.fork()),
      ),
    );
  }

  /** Resolves once every request under way has an answer or has timed out. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  #newWorkcell(): Workcell {
    this.#workcellCount += 1;
    return { name: `b${this.#workcellCount}`, operations: 0, jobs: 0 };
  }

  async #loop(name: string, node: NodeProcess, draws: Draws): Promise<void> {
    while (!this.#isStopped) {
      await sleep(draws.exponential(MEAN_THINK_MS));
      const place = draws.below(this.#workcells.length);
      let workcell = this.#workcells[place];
      if (workcell === undefined || this.#history.isFull(workcell.name)) {
        workcell = this.#newWorkcell();
        this.#workcells[place] = workcell;
      }
      const operation = drawOperation(draws, workcell);
      workcell.operations += 1;
      if (operation.kind === 'add-job') workcell.jobs = Math.max(workcell.jobs, Number(operation.job) + 1);
      const recorded = this.#history.begin({
        process: name,
        node: node.id,
        workcell: workcell.name,
        operation,
      });
      this.#history.end(recorded, await this.#ask(operation, { node, workcell: workcell.name, draws }));
    }
  }

  /** Sends the first attempt to the client's own node, and later ones to any. */
  async #ask(
    operation: Operation,
    { node, workcell, draws }: { node: NodeProcess; workcell: string; draws: Draws },
  ): Promise<Ending> {
    this.#operationCount += 1;
    const isKeyed = !isRead(operation) && draws.chance(KEYED_CHANCE);
    const idempotencyKey = isKeyed ? `chaos-${this.#operationCount}` : undefined;
    let isTainted = false;
    for (let attempt = 1; ; attempt += 1) {
      const { httpAddress } = attempt === 1 ? node : draws.pick(this.#nodes);
      const timeoutMs = Math.round(draws.between(MIN_PATIENCE_MS, MAX_PATIENCE_MS));
      const ending = await this.#attempt(operation, { httpAddress, workcell, idempotencyKey, timeoutMs });
      if (ending.kind === 'answered') return ending;
      isTainted ||= ending.kind === 'unknown';
      await sleep(RETRY_PAUSE_MS);
      if (!isKeyed || attempt === MAX_ATTEMPTS) return { kind: isTainted ? 'unknown' : 'no-effect' };
    }
  }

  async #attempt(operation: Operation, sending: Parameters<typeof send>[1]): Promise<Ending> {
    try {
      const ending = await send(operation, sending);
      if (ending.kind === 'no-effect' && ending.code === 'disk_full') this.refusedForRoom += 1;
      return ending;
    } catch (error) {
      this.#violations.add('answers', error instanceof Error ? error.message : String(error));
      return { kind: 'unknown' };
    }
  }
}

/** Draws an operation: first those that set up a new workcell, then mostly allowed ones. */
function drawOperation(draws: Draws, workcell: Workcell): Operation {
  const furnishing = workcell.operations < FURNISHING_OPERATIONS ? FURNISHING_WEIGHT : 1;
  switch (draws.weighted({ printer: furnishing, spool: furnishing, job: 5, status: 8, read: 8 })) {
    case 'printer':
      return { kind: 'add-printer' };
    case 'spool':
      return {
        kind: 'add-spool',
        total: SPOOL_GRAMS,
        remaining: draws.integer(SPOOL_GRAMS / 2, SPOOL_GRAMS),
      };
    case 'job': {
      const job = draws.chance(NEW_JOB_CHANCE) ? workcell.jobs : draws.below(workcell.jobs + 1);
      return { kind: 'add-job', job: `${job}`, weight: draws.integer(1, MAX_JOB_GRAMS) };
    }
    case 'status':
      return {
        kind: 'set-status',
        job: `${drawKnownJob(draws, workcell)}`,
        status: draws.weighted(STATUSES),
      };
    case 'read':
      return { kind: draws.pick(['read-printer', 'read-spool', 'read-jobs'] as const) };
  }
}

function drawKnownJob(draws: Draws, { jobs }: Workcell): number {
  const oldest = draws.chance(RECENT_CHANCE) ? Math.max(0, jobs - RECENT_JOBS) : 0;
  return draws.integer(oldest, Math.max(oldest, jobs - 1));
}
