// One way to be cruel to one part of the program.

import type { TargetName } from './arguments.ts';
import type { Tally } from './tally.ts';

export interface Round {
  /** The same seed and number of cases give the same cases. */
  readonly seed: number;
  readonly cases: number;
  readonly tally: Tally;
}

export interface Idea {
  readonly target: TargetName;
  readonly name: string;
  /** Its share of its target's cases, and of the time. */
  readonly weight: number;
  /** Cases of one round: a second or so. */
  readonly roundCases: number;
  /** Runs about as many cases as the round says, and counts them. Throws Finding. */
  run(round: Round): Promise<void>;
  /** What must hold at the end of the run, if anything: throws Finding. */
  finish?(tally: Tally): Promise<void>;
  /** Ends what `run` has started. */
  close?(): Promise<void>;
}

/** Something that the program must not do. */
export class Finding extends Error {
  override readonly name = 'Finding';
}
