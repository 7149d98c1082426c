// What every replica applies: the same commands in the same order, each once, with the same effects; and what was
// acknowledged is among them, what was refused is not.

import type { Json, StateReader, StateView } from '../../../src/state/state-view.ts';
import { hashText } from './hash.ts';
import { added, contentOfRow, contentOfState } from './state-content.ts';
import type { Violations } from './violations.ts';

/** What a client sends once: a retry is another attempt. Each command carries the number of its own. */
export type Attempt = number;

/** Key → value as JSON, undefined where the row was deleted. */
export type WrittenRows = ReadonlyMap<string, string | undefined>;

export type FirstAppliedHandler = (applied: { index: number; replica: string; rows: WrittenRows }) => void;

interface AppliedCommand {
  readonly index: number;
  readonly attempt: Attempt;
  readonly effects: number;
  /** The content of the state after it. */
  readonly content: number;
}

/** One process's way along the agreed order. */
export interface ReplicaCursor {
  /** How many of the agreed commands its state holds. */
  position: number;
}

export class AppliedCommands {
  readonly #violations: Violations;
  readonly #onFirstApplied: FirstAppliedHandler;
  /** In the agreed order, as the first replica applied them. */
  readonly #order: AppliedCommand[] = [];
  readonly #indexOfAttempt = new Map<Attempt, number>();
  readonly #refused = new Set<Attempt>();
  /** Hash of each row of the agreed state, and their sum. */
  readonly #rows = new Map<string, number>();
  #content = 0;

  /** `onFirstApplied` is told of every command once, in the agreed order, with the rows that it wrote. */
  constructor(violations: Violations, onFirstApplied: FirstAppliedHandler) {
    this.#violations = violations;
    this.#onFirstApplied = onFirstApplied;
  }

  get count(): number {
    return this.#order.length;
  }

  /** A process whose state holds everything up to `appliedIndex`: its content must be what all have there. */
  begin(name: string, appliedIndex: number, content: number): ReplicaCursor {
    const cursor = { position: 0 };
    this.jumped(name, cursor, { appliedIndex, content });
    return cursor;
  }

  /** A snapshot replaced the state of a process. */
  jumped(
    name: string,
    cursor: ReplicaCursor,
    { appliedIndex, content }: { appliedIndex: number; content: number },
  ): void {
    cursor.position = this.#positionAfter(appliedIndex);
    const expected = this.#order[cursor.position - 1]?.content ?? 0;
    this.#violations.expect(
      content === expected,
      'replicas are equal',
      () => `the state of ${name} at entry ${appliedIndex} differs from what was applied up to there`,
    );
  }

  /**
   * A process applies the next command. Returns what the state machine gives. The index of its entry is asked of the
   * first replica only: the others must apply the same attempts in the same order.
   */
  applying<T>(
    replica: { name: string; cursor: ReplicaCursor; attempt: Attempt; index: () => number },
    view: StateView,
    apply: (view: StateView) => T,
  ): T {
    const recorder = new RecordingView(view);
    const result = apply(recorder);
    const effects = added(recorder.effects, hashText(JSON.stringify(result)));
    const known = this.#order[replica.cursor.position];
    if (known === undefined) this.#agree(replica, recorder, effects);
    else {
      this.#violations.expect(
        known.attempt === replica.attempt,
        'state machine safety',
        () =>
          `${replica.name} applies attempt ${replica.attempt} where attempt ${known.attempt} was applied as entry ${known.index}`,
      );
      this.#violations.expect(
        known.effects === effects,
        'replicas are equal',
        () => `entry ${known.index} has other effects on ${replica.name} than on whoever applied it first`,
      );
    }
    replica.cursor.position += 1;
    return result;
  }

  /** A client was told that its attempt was applied. */
  acknowledged(attempt: Attempt): void {
    this.#violations.expect(
      this.#indexOfAttempt.has(attempt),
      'acknowledged means applied',
      () => `attempt ${attempt} was acknowledged and nobody has applied it`,
    );
  }

  /** A client was told that its attempt surely is not and will not be applied. */
  refused(attempt: Attempt): void {
    this.#refused.add(attempt);
    const index = this.#indexOfAttempt.get(attempt);
    this.#violations.expect(
      index === undefined,
      'refused means never applied',
      () => `attempt ${attempt} was refused after it was applied as entry ${index}`,
    );
  }

  /** At the end: does a replica hold everything that was ever applied? */
  expectComplete(name: string, state: StateReader): void {
    this.#violations.expect(
      contentOfState(state) === this.#content,
      'nothing is lost',
      () => `the state of ${name} is not what all commands together gave`,
    );
  }

  #agree(
    replica: { name: string; attempt: Attempt; index: () => number },
    recorder: RecordingView,
    effects: number,
  ): void {
    const { name, attempt } = replica;
    const index = replica.index();
    const last = this.#order.at(-1);
    this.#violations.expect(
      last === undefined || index > last.index,
      'state machine safety',
      () => `${name} applies entry ${index} after entry ${last?.index}`,
    );
    const earlier = this.#indexOfAttempt.get(attempt);
    this.#violations.expect(
      earlier === undefined,
      'nothing is applied twice',
      () => `attempt ${attempt} is applied as entry ${earlier} and as entry ${index}`,
    );
    this.#violations.expect(
      !this.#refused.has(attempt),
      'refused means never applied',
      () => `attempt ${attempt} was refused, and is applied as entry ${index}`,
    );
    this.#indexOfAttempt.set(attempt, index);
    for (const [key, text] of recorder.rows) this.#put(key, text);
    this.#order.push({ index, attempt, effects, content: this.#content });
    this.#onFirstApplied({ index, replica: name, rows: recorder.rows });
  }

  #put(key: string, text: string | undefined): void {
    const hash = text === undefined ? 0 : contentOfRow(key, text);
    this.#content = added(this.#content, hash - (this.#rows.get(key) ?? 0));
    if (text === undefined) this.#rows.delete(key);
    else this.#rows.set(key, hash);
  }

  /** How many commands have an index up to `appliedIndex`. */
  #positionAfter(appliedIndex: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.index ?? 0) <= appliedIndex) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Passes everything on, and keeps what is written. */
class RecordingView implements StateView {
  readonly rows = new Map<string, string | undefined>();
  /** Hashes of all that was written, summed up. */
  effects = 0;
  readonly #view: StateView;

  constructor(view: StateView) {
    this.#view = view;
  }

  get(key: string): Json | undefined {
    return this.#view.get(key);
  }

  getOnce(key: string): Json | undefined {
    return this.#view.getOnce(key);
  }

  range(options: Parameters<StateReader['range']>[0]): ReturnType<StateReader['range']> {
    return this.#view.range(options);
  }

  version(prefix: string): number {
    return this.#view.version(prefix);
  }

  put(key: string, value: Json): void {
    const text = JSON.stringify(value);
    this.rows.set(key, text);
    this.effects = added(this.effects, contentOfRow(key, text));
    this.#view.put(key, value);
  }

  delete(key: string): void {
    this.rows.set(key, undefined);
    this.effects = added(this.effects, hashText(key));
    this.#view.delete(key);
  }
}
