// People at the farm: some at every node, each asking one thing after the other, again after a time-out when that is
// safe, and writing down what they were told.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeProcess } from '../kit/node-process.ts';
import type { Violations } from '../sim/checkers/violations.ts';
import type { Draws } from '../sim/draws.ts';
import { send } from './farm-requests.ts';
import type { Ending, History } from './history.ts';
import { isRead, type Operation } from './model.ts';

const CLIENTS_PER_NODE = 2;
/** Benches in use at a time: few, so that clients meet. */
const BENCHES = 4;
const MEAN_THINK_MS = 40;
const RETRY_PAUSE_MS = 150;
const MAX_ATTEMPTS = 5;
/** Shorter than some faults, so that clients do give up. */
const MIN_PATIENCE_MS = 500;
const MAX_PATIENCE_MS = 4_000;
const KEYED_CHANCE = 0.7;
const SPOOL_GRAMS = 1_000;
/** One more job than a spool holds, so that some are refused. */
const MAX_JOB_GRAMS = 150;
const NEW_JOB_CHANCE = 0.8;
/** Older ones are most likely done, and take no status any more. */
const RECENT_JOBS = 3;
const RECENT_CHANCE = 0.8;
const STATUSES = { Queued: 1, Running: 8, Done: 4, Canceled: 2, Failed: 2 };
/** Against the 21 of everything else. */
const FURNISHING_WEIGHT = 20;
/** By then a new bench most likely has its printer and its spool. */
const FURNISHING_OPERATIONS = 5;

/** What clients believe of a bench. */
interface Bench {
  readonly name: string;
  operations: number;
  jobs: number;
}

export class Clients {
  readonly #nodes: readonly NodeProcess[];
  readonly #history: History;
  readonly #violations: Violations;
  readonly #benches: Bench[] = [];
  #benchCount = 0;
  #operationCount = 0;
  #isStopped = false;
  #loops: Promise<void>[] = [];
  /** Attempts that were told that a disk is full. */
  refusedForRoom = 0;

  constructor(nodes: readonly NodeProcess[], history: History, violations: Violations) {
    this.#nodes = nodes;
    this.#history = history;
    this.#violations = violations;
    for (let bench = 0; bench < BENCHES; bench += 1) this.#benches.push(this.#newBench());
  }

  start(draws: Draws): void {
    this.#loops = this.#nodes.flatMap((node) =>
      Array.from({ length: CLIENTS_PER_NODE }, (_, at) =>
        this.#loop(`${node.id}-client${at + 1}`, node, draws.fork()),
      ),
    );
  }

  /** Settles when the last answer is in, or has been waited for in vain. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  #newBench(): Bench {
    this.#benchCount += 1;
    return { name: `b${this.#benchCount}`, operations: 0, jobs: 0 };
  }

  async #loop(name: string, node: NodeProcess, draws: Draws): Promise<void> {
    while (!this.#isStopped) {
      await sleep(draws.exponential(MEAN_THINK_MS));
      const place = draws.below(this.#benches.length);
      let bench = this.#benches[place];
      if (bench === undefined || this.#history.isFull(bench.name)) {
        bench = this.#newBench();
        this.#benches[place] = bench;
      }
      const operation = drawOperation(draws, bench);
      bench.operations += 1;
      if (operation.kind === 'add-job') bench.jobs = Math.max(bench.jobs, Number(operation.job) + 1);
      const recorded = this.#history.begin({ process: name, node: node.id, bench: bench.name, operation });
      this.#history.end(recorded, await this.#ask(operation, { node, bench: bench.name, draws }));
    }
  }

  /** The first attempt goes to the client's own node, further ones to any. */
  async #ask(
    operation: Operation,
    { node, bench, draws }: { node: NodeProcess; bench: string; draws: Draws },
  ): Promise<Ending> {
    this.#operationCount += 1;
    const isKeyed = !isRead(operation) && draws.chance(KEYED_CHANCE);
    const idempotencyKey = isKeyed ? `chaos-${this.#operationCount}` : undefined;
    let isTainted = false;
    for (let attempt = 1; ; attempt += 1) {
      const { httpAddress } = attempt === 1 ? node : draws.pick(this.#nodes);
      const timeoutMs = Math.round(draws.between(MIN_PATIENCE_MS, MAX_PATIENCE_MS));
      const ending = await this.#attempt(operation, { httpAddress, bench, idempotencyKey, timeoutMs });
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

/** A new bench is furnished first; then most of what is asked is allowed, and some is not. */
function drawOperation(draws: Draws, bench: Bench): Operation {
  const furnishing = bench.operations < FURNISHING_OPERATIONS ? FURNISHING_WEIGHT : 1;
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
      const job = draws.chance(NEW_JOB_CHANCE) ? bench.jobs : draws.below(bench.jobs + 1);
      return { kind: 'add-job', job: `${job}`, weight: draws.integer(1, MAX_JOB_GRAMS) };
    }
    case 'status':
      return { kind: 'set-status', job: `${drawKnownJob(draws, bench)}`, status: draws.weighted(STATUSES) };
    case 'read':
      return { kind: draws.pick(['read-printer', 'read-spool', 'read-jobs'] as const) };
  }
}

function drawKnownJob(draws: Draws, { jobs }: Bench): number {
  const oldest = draws.chance(RECENT_CHANCE) ? Math.max(0, jobs - RECENT_JOBS) : 0;
  return draws.integer(oldest, Math.max(oldest, jobs - 1));
}
