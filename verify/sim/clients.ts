// Simulated clients. Each runs one operation at a time against any node, retries after a time-out, and
// records the result.

import type { Engine, ProposalOutcome } from '../../src/engines/engine.ts';
import type { FarmOutcome } from '../../src/farm/outcome.ts';
import type { Draws } from '../kit/draws.ts';
import { isRead, type WriteOperation } from '../kit/farm-model.ts';
import type { AppliedCommands } from './checkers/applied-commands.ts';
import { type OpenOperation, WorkcellHistory } from './client-history.ts';
import { describeOutcome, drawOperation, encodeAttempt, readWorkcell } from './client-operations.ts';
import type { Timeline } from './timeline.ts';

export interface ClientProfile {
  readonly clients: number;
  readonly workcells: number;
  readonly meanThinkMs: number;
  /** Weight of reads in the draw of operations; writes weigh 15. */
  readonly readWeight: number;
  /** A client waits between this and `maxPatienceMs` for an answer. */
  readonly minPatienceMs: number;
  readonly maxPatienceMs: number;
  /** Chance that an operation carries an idempotency key and may be retried. */
  readonly keyedChance: number;
  readonly maxAttempts: number;
}

interface ClientWorld {
  readonly timeline: Timeline;
  readonly draws: Draws;
  readonly commands: AppliedCommands;
  /** The engines that clients can reach; undefined for a host without one. */
  engines(): readonly (Engine | undefined)[];
  trace(who: string, what: () => string): void;
}

/** The result of one attempt. */
type AttemptResult =
  | { readonly kind: 'answered'; readonly result: string }
  | { readonly kind: 'no-effect' }
  | { readonly kind: 'unknown' };

interface Errand {
  readonly client: string;
  readonly workcell: WorkcellHistory;
  readonly operation: WriteOperation;
  readonly open: OpenOperation;
  readonly idempotencyKey: string | undefined;
  attemptsLeft: number;
  /** An earlier attempt may have taken effect. */
  isTainted: boolean;
}

export class Clients {
  readonly #profile: ClientProfile;
  readonly #world: ClientWorld;
  readonly #workcells: WorkcellHistory[] = [];
  readonly #retired: WorkcellHistory[] = [];
  #moment = 0;
  #attempts = 0;
  #isStopped = false;
  #busy = 0;
  operations = 0;
  /** Operations whose result the client learned. */
  answered = 0;

  constructor(profile: ClientProfile, world: ClientWorld) {
    this.#profile = profile;
    this.#world = world;
    for (let workcell = 0; workcell < profile.workcells; workcell += 1)
      this.#workcells.push(this.#newWorkcell());
  }

  start(): void {
    for (let client = 0; client < this.#profile.clients; client += 1) this.#think(`client${client}`);
  }

  /** Starts no new operations. Those in progress end within the clients' patience. */
  stop(): void {
    this.#isStopped = true;
  }

  get isIdle(): boolean {
    return this.#busy === 0;
  }

  get histories(): readonly WorkcellHistory[] {
    return [...this.#retired, ...this.#workcells];
  }

  /** Writes to a workcell of its own, retries until the write is acknowledged, then calls `done`. */
  probe(done: () => void): void {
    const workcell = this.#newWorkcell();
    this.#workcells.push(workcell);
    const operation = { kind: 'add-printer' } as const;
    this.#busy += 1;
    this.#attempt({
      client: 'probe',
      workcell,
      operation,
      open: {
        ...workcell.begin('probe', operation),
        answered: () => {
          this.#busy -= 1;
          done();
        },
      },
      idempotencyKey: `probe-${workcell.name}`,
      attemptsLeft: Number.POSITIVE_INFINITY,
      isTainted: false,
    });
  }

  #newWorkcell(): WorkcellHistory {
    const name = `b${this.#retired.length + this.#workcells.length}`;
    return new WorkcellHistory(name, () => {
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
    const place = draws.below(this.#workcells.length);
    let workcell = this.#workcells[place] as WorkcellHistory;
    if (workcell.isFull) {
      this.#retired.push(workcell);
      this.#workcells.splice(place, 1);
      workcell = this.#newWorkcell();
      this.#workcells.push(workcell);
    }
    const operation = drawOperation(draws, { jobs: workcell.jobs, readWeight: this.#profile.readWeight });
    const open = workcell.begin(client, operation);
    this.operations += 1;
    this.#busy += 1;
    const ended = (): void => {
      this.#busy -= 1;
      this.#think(client);
    };
    if (isRead(operation)) {
      this.#read({ client, workcell, open: ending(open, ended) });
      return;
    }
    const isKeyed = draws.chance(this.#profile.keyedChance);
    this.#attempt({
      client,
      workcell,
      operation,
      open: ending(open, ended),
      idempotencyKey: isKeyed ? `${client}-${this.operations}` : undefined,
      attemptsLeft: isKeyed ? this.#profile.maxAttempts : 1,
      isTainted: false,
    });
  }

  // ------------------------------------------------------------ writes

  #attempt(errand: Errand): void {
    const { workcell, operation, idempotencyKey, client } = errand;
    const engine = this.#engine();
    this.#attempts += 1;
    const attempt = this.#attempts;
    const { commands, trace } = this.#world;
    trace(
      client,
      () => `sends ${operation.kind} ${JSON.stringify(operation)} to ${workcell.name}, attempt ${attempt}`,
    );
    const settle = this.#awaitAnswer((result) => this.#attempted(errand, result));
    if (engine === undefined) {
      settle({ kind: 'no-effect' });
      return;
    }
    engine.propose(encodeAttempt(workcell.name, operation, { attempt, idempotencyKey }), (outcome) => {
      trace(client, () => `gets ${JSON.stringify(outcome)} for attempt ${attempt}`);
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

  #read({
    client,
    workcell,
    open,
  }: {
    client: string;
    workcell: WorkcellHistory;
    open: OpenOperation;
  }): void {
    const { trace } = this.#world;
    trace(client, () => `starts to read ${workcell.name}`);
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
      const seen = readWorkcell(engine.state(), workcell.name);
      trace(client, () => `reads ${seen} from ${workcell.name}`);
      settle({ kind: 'answered', result: seen });
    });
  }

  // ------------------------------------------------------------ answers

  /**
   * Calls `done` with the first answer, or with `unknown` when the client's patience ends; never inside the
   * call.
   */
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
      // The answer also travels over the network.
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
