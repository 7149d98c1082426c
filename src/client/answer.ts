// One answer of a node: what it says, and whether the request may be sent again.

import { isProblemCode, type Problem } from '../api/problems.ts';
import { ApiProblem, CallFailed } from './errors.ts';

/** How one try ended. */
export type Tried =
  | { readonly kind: 'answered'; readonly response: Response; readonly body: unknown }
  /** The answer to this request, whichever node is asked. */
  | { readonly kind: 'failed'; readonly error: ApiProblem | CallFailed }
  /** Another node, or this one later, may do better. `hadNoEffect`: the request surely changed nothing. */
  | { readonly kind: 'try-again'; readonly hadNoEffect: boolean; readonly cause: unknown };

export function outcomeOf(response: Response, text: string): Tried {
  const body = parsed(text);
  if (response.ok) return { kind: 'answered', response, body };
  const problem = asProblem(body);
  if (response.status < 500) {
    if (problem !== undefined) return { kind: 'failed', error: new ApiProblem(problem) };
    const message = `${response.url} answers ${response.status}, and not as Raft3D does: check the address`;
    return { kind: 'failed', error: new CallFailed('unexpected_answer', message, { cause: body }) };
  }
  // 503 says that nothing was changed. Any other failure of a node may have come after the change.
  const hadNoEffect = response.status === 503 && problem !== undefined;
  const cause = problem === undefined ? new Error(`status ${response.status}`) : new ApiProblem(problem);
  return { kind: 'try-again', hadNoEffect, cause };
}

/** The `after` of the next page, from `Link: </path?after=a>; rel="next"`; undefined on the last page. */
export function nextAfter(link: string | null): string | undefined {
  const target = /<([^>]*)>\s*;\s*rel="next"/.exec(link ?? '')?.[1];
  if (target === undefined) return undefined;
  return new URL(target, 'http://node').searchParams.get('after') ?? undefined;
}

/** Undefined when the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asProblem(body: unknown): Problem | undefined {
  const { code } = (body ?? {}) as { code?: unknown };
  return typeof code === 'string' && isProblemCode(code) ? (body as Problem) : undefined;
}
