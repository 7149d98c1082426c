// A node that was started with -join asks the members it was told of, one after the other, until one answers.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { BackOff } from '../shared/back-off.ts';
import type { Logger } from '../shared/logger.ts';

const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
/** A join waits for the leader and for the new member to catch up. */
const REQUEST_TIMEOUT_MS = 25_000;
/** A node's answers are short. */
const MAX_ANSWER_CHARACTERS = 64 * 1024;

export interface JoinRequest {
  readonly members: readonly string[];
  readonly node: string;
  readonly raftAddress: string;
  readonly httpAddress: string;
}

export type JoinResult =
  | { readonly kind: 'joined'; readonly role: string }
  /** The answer will not change: the caller must. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'cancelled' };

/** Resolves when a member answered for good, or `signal` was aborted. */
export async function joinCluster(
  wanted: JoinRequest,
  options: { logger: Logger; signal: AbortSignal },
): Promise<JoinResult> {
  const { logger, signal } = options;
  const backOff = new BackOff({ minMs: MIN_PAUSE_MS, maxMs: MAX_PAUSE_MS, random: Math.random });
  while (!signal.aborted) {
    for (const member of wanted.members) {
      const result = await askMember(member, wanted, options);
      if (result !== undefined) return result;
    }
    const pauseMs = Math.round(backOff.nextDelayMs());
    logger.debug('no member took the join yet: trying again', { pauseMs });
    await pause(pauseMs, signal);
  }
  return { kind: 'cancelled' };
}

/** Undefined: ask somebody else, or later. */
async function askMember(
  member: string,
  { node, raftAddress, httpAddress }: JoinRequest,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<JoinResult | undefined> {
  try {
    const body = { node_id: node, addr: raftAddress, http_addr: httpAddress };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    const { status, answer } = await postJson(`http://${member}/join`, body, limit);
    if (status >= 200 && status < 300) return { kind: 'joined', role: answer.role ?? 'learner' };
    const { code = 'unknown', detail = '' } = answer;
    if (isFinal(status, code)) return { kind: 'refused', code, detail };
    logger.info('join: not yet', { member, status, code, detail });
  } catch (error) {
    if (signal.aborted) return { kind: 'cancelled' };
    const reason = error instanceof Error ? error.message : String(error);
    logger.info('join: no answer', { member, reason });
  }
  return undefined;
}

interface JoinAnswer {
  readonly role?: string;
  readonly code?: string;
  readonly detail?: string;
}

/** By Node's `http`, which serves the API anyway: what `fetch` loads stays with the node, ten megabytes of it. */
async function postJson(
  url: string,
  body: unknown,
  signal: AbortSignal,
): Promise<{ status: number; answer: JoinAnswer }> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const call = request(url, { method: 'POST', headers, signal, agent: false });
  // Whoever waits for the answer, or reads it, learns of an error too; here it must only not be nobody's.
  call.on('error', () => undefined);
  call.end(text);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let answer = '';
  for await (const part of response.setEncoding('utf8')) {
    answer += part as string;
    if (answer.length > MAX_ANSWER_CHARACTERS)
      throw new Error(`${url} answers something else than a node does`);
  }
  return { status: response.statusCode ?? 0, answer: JSON.parse(answer) as JoinAnswer };
}

/** A request that the member finds wrong stays wrong; one that the cluster cannot take now may be taken later. */
function isFinal(status: number, code: string): boolean {
  return status >= 400 && status < 500 && code !== 'would_lose_quorum' && code !== 'node_unreachable';
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end);
  });
}
