// Checks what the replicas apply: the same commands in the same order, each once, with the same effects.
// Acknowledged commands are among them, refused ones are not.

import type { Json, StateReader, StateView } from '../../../src/state/state-view.ts';
import type { Violations } from '../../kit/violations.ts';
import { hashText } from './hash.ts';
import { added, contentOfRow, contentOfState } from './state-content.ts';

/** Number of one attempt of a client; a retry is another attempt. Each command carries its number. */
export type Attempt = number;

/** Key → value as JSON; undefined for a deleted row. */
type WrittenRows = ReadonlyMap<string, string | undefined>;

type FirstAppliedHandler = (applied: { index: number; replica: string; rows: WrittenRows }) => void;

interface AppliedCommand {
  readonly index: number;
  readonly attempt: Attempt;
  readonly effects: number;
  /** Content of the state after this command. */
  readonly content: number;
}

/** The position of one process in the agreed order. */
export interface ReplicaCursor {
  /** Number of agreed commands that its state holds. */
  position: number;
}

export class AppliedCommands {
  readonly #violations: Violations;
  readonly #onFirstApplied: FirstAppliedHandler;
  /** In the agreed order, as the first replica applied them. */
  readonly #order: AppliedCommand[] = [];
  readonly #indexOfAttempt = new Map<Attempt, number>();
  readonly #refused = new Set<Attempt>();
  /** Hash of each row of the agreed state, and the sum of the hashes. */
  readonly #rows = new Map<string, number>();
  #content = 0;

  /** Calls `onFirstApplied` once for each command, in the agreed order, with the rows it wrote. */
  constructor(violations: Violations, onFirstApplied: FirstAppliedHandler) {
    this.#violations = violations;
    this.#onFirstApplied = onFirstApplied;
  }

  get count(): number {
    return this.#order.length;
  }

  /** Registers a process whose state holds everything up to `appliedIndex`, and checks its content. */
  begin(name: string, appliedIndex: number, content: number): ReplicaCursor {
    const cursor = { position: 0 };
    this.jumped(name, cursor, { appliedIndex, content });
    return cursor;
  }

  /** Called when a snapshot replaced the state of a process. */
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
      () => `the state of ${name} at entry ${appliedIndex} differs from the commands applied up to there`,
    );
  }

  /**
   * Applies the next command of a process and returns the state machine's result. Only the first replica
   * tells the entry's index: the others must apply the same attempts in the same order.
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
        'State Machine Safety',
        () =>
          `${replica.name} applies attempt ${replica.attempt} where attempt ${known.attempt} was applied as entry ${known.index}`,
      );
      this.#violations.expect(
        known.effects === effects,
        'replicas are equal',
        () =>
          `entry ${known.index} has other effects on ${replica.name} than on the replica that applied it first`,
      );
    }
    replica.cursor.position += 1;
    return result;
  }

  /** Called when a client is told that its attempt was applied. */
  acknowledged(attempt: Attempt): void {
    this.#violations.expect(
      this.#indexOfAttempt.has(attempt),
      'acknowledged means applied',
      () => `attempt ${attempt} was acknowledged and no replica has applied it`,
    );
  }

  /** Called when a client is told that its attempt is not and will not be applied. */
  refused(attempt: Attempt): void {
    this.#refused.add(attempt);
    const index = this.#indexOfAttempt.get(attempt);
    this.#violations.expect(
      index === undefined,
      'refused means never applied',
      () => `attempt ${attempt} was refused after it was applied as entry ${index}`,
    );
  }

  /** Checks at the end that a replica holds everything that was applied. */
  expectComplete(name: string, state: StateReader): void {
    this.#violations.expect(
      contentOfState(state) === this.#content,
      'no applied command is lost',
      () => `the state of ${name} differs from the result of all commands`,
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
      'State Machine Safety',
      () => `${name} applies entry ${index} after entry ${last?.index}`,
    );
    const earlier = this.#indexOfAttempt.get(attempt);
    this.#violations.expect(
      earlier === undefined,
      'no command is applied twice',
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

  /** Number of commands with an index up to `appliedIndex`. */
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

/** Passes every call on and records the written rows. */
class RecordingView implements StateView {
  readonly rows = new Map<string, string | undefined>();
  /** Sum of the hashes of all written rows. */
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
