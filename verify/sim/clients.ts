// People at the farm: each asks one thing after the other, of any node, again after a time-out, and remembers what it
// was told.

import type { Engine, ProposalOutcome } from '../../src/engines/engine.ts';
import type { FarmOutcome } from '../../src/farm/outcome.ts';
import type { AppliedCommands } from './checkers/applied-commands.ts';
import { BenchHistory, type OpenOperation } from './client-history.ts';
import {
  describeOutcome,
  drawOperation,
  encodeAttempt,
  readBench,
  type WriteOperation,
} from './client-operations.ts';
import type { Draws } from './draws.ts';
import type { Timeline } from './timeline.ts';

export interface ClientProfile {
  readonly clients: number;
  readonly benches: number;
  readonly meanThinkMs: number;
  /** How often they read, where they write 15 times. */
  readonly readWeight: number;
  /** A client waits this long for an answer. */
  readonly minPatienceMs: number;
  readonly maxPatienceMs: number;
  /** Operations that carry an idempotency key, and so may be asked again. */
  readonly keyedChance: number;
  readonly maxAttempts: number;
}

export interface ClientWorld {
  readonly timeline: Timeline;
  readonly draws: Draws;
  readonly commands: AppliedCommands;
  /** Where clients may knock: undefined for a host where nobody answers. */
  engines(): readonly (Engine | undefined)[];
  trace(who: string, what: () => string): void;
}

/** What came of one attempt. */
type AttemptResult =
  | { readonly kind: 'answered'; readonly result: string }
  | { readonly kind: 'no-effect' }
  | { readonly kind: 'unknown' };

interface Errand {
  readonly client: string;
  readonly bench: BenchHistory;
  readonly operation: WriteOperation;
  readonly open: OpenOperation;
  readonly idempotencyKey: string | undefined;
  attemptsLeft: number;
  /** An earlier attempt may have had its effect. */
  isTainted: boolean;
}

export class Clients {
  readonly #profile: ClientProfile;
  readonly #world: ClientWorld;
  readonly #benches: BenchHistory[] = [];
  readonly #retired: BenchHistory[] = [];
  #moment = 0;
  #attempts = 0;
  #isStopped = false;
  #busy = 0;
  operations = 0;
  /** Operations whose end is known to the client. */
  answered = 0;

  constructor(profile: ClientProfile, world: ClientWorld) {
    this.#profile = profile;
    this.#world = world;
    for (let bench = 0; bench < profile.benches; bench += 1) this.#benches.push(this.#newBench());
  }

  start(): void {
    for (let client = 0; client < this.#profile.clients; client += 1) this.#think(`client${client}`);
  }

  /** No new operations; those under way end within the clients' patience. */
  stop(): void {
    this.#isStopped = true;
  }

  get isIdle(): boolean {
    return this.#busy === 0;
  }

  get histories(): readonly BenchHistory[] {
    return [...this.#retired, ...this.#benches];
  }

  /** One write on a bench of its own; true once it was acknowledged. Asked again until it is. */
  probe(done: () => void): void {
    const bench = this.#newBench();
    this.#benches.push(bench);
    const operation = { kind: 'add-printer' } as const;
    this.#busy += 1;
    this.#attempt({
      client: 'probe',
      bench,
      operation,
      open: {
        ...bench.begin('probe', operation),
        answered: () => {
          this.#busy -= 1;
          done();
        },
      },
      idempotencyKey: `probe-${bench.name}`,
      attemptsLeft: Number.POSITIVE_INFINITY,
      isTainted: false,
    });
  }

  #newBench(): BenchHistory {
    const name = `b${this.#retired.length + this.#benches.length}`;
    return new BenchHistory(name, () => {
      this.#moment += 1;
      return this.#moment;
    });
  }

  #think(client: string): void {
    const { timeline, draws } = this.#world;
    timeline.schedule(draws.exponential(this.#profile.meanThinkMs), undefined, () => {
      if (!this.#isStopped) this.#act(client);
    });
  }

  #act(client: string): void {
    const { draws } = this.#world;
    const place = draws.below(this.#benches.length);
    let bench = this.#benches[place] as BenchHistory;
    if (bench.isFull) {
      this.#retired.push(bench);
      this.#benches.splice(place, 1);
      bench = this.#newBench();
      this.#benches.push(bench);
    }
    const operation = drawOperation(draws, { jobs: bench.jobs, readWeight: this.#profile.readWeight });
    const open = bench.begin(client, operation);
    this.operations += 1;
    this.#busy += 1;
    const ended = (): void => {
      this.#busy -= 1;
      this.#think(client);
    };
    if (operation.kind === 'read') {
      this.#read({ client, bench, open: ending(open, ended) });
      return;
    }
    const isKeyed = draws.chance(this.#profile.keyedChance);
    this.#attempt({
      client,
      bench,
      operation,
      open: ending(open, ended),
      idempotencyKey: isKeyed ? `${client}-${this.operations}` : undefined,
      attemptsLeft: isKeyed ? this.#profile.maxAttempts : 1,
      isTainted: false,
    });
  }

  // ------------------------------------------------------------ writes

  #attempt(errand: Errand): void {
    const { bench, operation, idempotencyKey, client } = errand;
    const engine = this.#engine();
    this.#attempts += 1;
    const attempt = this.#attempts;
    const { commands, trace } = this.#world;
    trace(
      client,
      () => `asks ${operation.kind} ${JSON.stringify(operation)} on ${bench.name}, attempt ${attempt}`,
    );
    const settle = this.#awaitAnswer((result) => this.#attempted(errand, result));
    if (engine === undefined) {
      settle({ kind: 'no-effect' });
      return;
    }
    engine.propose(encodeAttempt(bench.name, operation, { attempt, idempotencyKey }), (outcome) => {
      trace(client, () => `is told ${JSON.stringify(outcome)} of attempt ${attempt}`);
      if (outcome.kind === 'applied') commands.acknowledged(attempt);
      if (outcome.kind === 'refused') commands.refused(attempt);
      settle(resultOf(outcome));
    });
  }

  #attempted(errand: Errand, result: AttemptResult): void {
    if (result.kind === 'answered') {
      this.answered += 1;
      errand.open.answered(result.result);
      return;
    }
    if (result.kind === 'unknown') errand.isTainted = true;
    errand.attemptsLeft -= 1;
    if (errand.attemptsLeft > 0) {
      const { timeline, draws } = this.#world;
      timeline.schedule(draws.exponential(this.#profile.meanThinkMs), undefined, () => this.#attempt(errand));
    } else if (errand.isTainted) errand.open.unknown();
    else errand.open.hadNoEffect();
  }

  // ------------------------------------------------------------ reads

  #read({ client, bench, open }: { client: string; bench: BenchHistory; open: OpenOperation }): void {
    const { trace } = this.#world;
    trace(client, () => `reads bench ${bench.name}`);
    const settle = this.#awaitAnswer((result) => {
      if (result.kind !== 'answered') {
        open.hadNoEffect();
        return;
      }
      this.answered += 1;
      open.answered(result.result);
    });
    const engine = this.#engine();
    if (engine === undefined) {
      settle({ kind: 'no-effect' });
      return;
    }
    engine.readBarrier((outcome) => {
      if (outcome.kind !== 'ready') {
        settle({ kind: 'no-effect' });
        return;
      }
      const seen = readBench(engine.state(), bench.name);
      trace(client, () => `sees ${seen} on ${bench.name}`);
      settle({ kind: 'answered', result: seen });
    });
  }

  // ------------------------------------------------------------ asking

  /** Gives `done` the first of what it is called with and the end of the client's patience, never inside a call. */
  #awaitAnswer(done: (result: AttemptResult) => void): (result: AttemptResult) => void {
    const { timeline, draws } = this.#world;
    const { minPatienceMs, maxPatienceMs } = this.#profile;
    let isSettled = false;
    const patience = timeline.schedule(draws.between(minPatienceMs, maxPatienceMs), undefined, () => {
      isSettled = true;
      done({ kind: 'unknown' });
    });
    return (result) => {
      if (isSettled) return;
      isSettled = true;
      timeline.cancel(patience);
      // The answer takes its time over the network too.
      timeline.schedule(draws.fraction(), undefined, () => done(result));
    };
  }

  #engine(): Engine | undefined {
    return this.#world.draws.pick(this.#world.engines());
  }
}

function resultOf(outcome: ProposalOutcome): AttemptResult {
  if (outcome.kind === 'applied')
    return { kind: 'answered', result: describeOutcome(outcome.result as FarmOutcome) };
  return outcome.kind === 'refused' ? { kind: 'no-effect' } : { kind: 'unknown' };
}

function ending(open: OpenOperation, ended: () => void): OpenOperation {
  const then =
    <A extends unknown[]>(tell: (...told: A) => void) =>
    (...told: A): void => {
      tell(...told);
      ended();
    };
  return { answered: then(open.answered), hadNoEffect: then(open.hadNoEffect), unknown: then(open.unknown) };
}
