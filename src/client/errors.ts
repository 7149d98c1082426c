// The two ways in which a call fails.

import type { Problem, ProblemCode } from '../api/problems.ts';

/** The API's refusal: the request had no effect. `problem` has the fields that belong to its code. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }

  get code(): ProblemCode {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }
}

/** `no_answer`: no effect. `outcome_unknown`: a write may be applied. `unexpected_answer`: no Raft3D node. */
type FailureCode = 'no_answer' | 'outcome_unknown' | 'unexpected_answer';

/** No node gave an answer that settles the call. `cause` is the last failure that was seen. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code: FailureCode;
  /** The key of the write whose outcome is unknown. */
  readonly idempotencyKey: string | undefined;

  constructor(code: FailureCode, message: string, options: { cause: unknown; idempotencyKey?: string }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.idempotencyKey = options.idempotencyKey;
  }
}
