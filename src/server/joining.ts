// Brings a node into a cluster: asks the members of -join one after the other until one answers.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartOptions } from '../config/flags.ts';
import { BackOff } from '../shared/back-off.ts';
import { asError } from '../shared/coded-error.ts';
import type { Logger } from '../shared/logger.ts';

const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
/** A join takes until the leader is known and the new member has caught up. */
const REQUEST_TIMEOUT_MS = 25_000;
const MAX_ANSWER_CHARACTERS = 64 * 1024;

/** The members to ask, and what they are told of this node. */
type JoinRequest = Pick<StartOptions, 'join' | 'id' | 'advertiseRaft' | 'advertiseHttp'>;

export type JoinResult =
  | { readonly kind: 'joined'; readonly role: string }
  /** Another try would get the same answer. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'cancelled' };

/** Resolves when a member has given a final answer, or `signal` is aborted. */
export async function joinCluster(
  wanted: JoinRequest,
  options: { logger: Logger; signal: AbortSignal },
): Promise<JoinResult> {
  const { logger, signal } = options;
  const backOff = new BackOff({ minMs: MIN_PAUSE_MS, maxMs: MAX_PAUSE_MS, random: Math.random });
  while (!signal.aborted) {
    for (const member of wanted.join) {
      const result = await askMember(member, wanted, options);
      if (result !== undefined) return result;
    }
    const pauseMs = Math.round(backOff.nextDelayMs());
    logger.debug('no member has accepted the join yet; trying again', { pauseMs });
    // An abort ends the pause early.
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return { kind: 'cancelled' };
}

/** Returns undefined when the next member should be asked, or this one later. */
async function askMember(
  member: string,
  { id, advertiseRaft, advertiseHttp }: JoinRequest,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<JoinResult | undefined> {
  try {
    const body = { node_id: id, addr: advertiseRaft, http_addr: advertiseHttp };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    const { status, answer } = await postJson(`http://${member}/join`, body, limit);
    if (status >= 200 && status < 300) return { kind: 'joined', role: answer.role ?? 'learner' };
    const { code = 'unknown', detail = '' } = answer;
    if (isFinal(status, code)) return { kind: 'refused', code, detail };
    logger.info('the member cannot accept the join yet', { member, status, code, detail });
  } catch (error) {
    if (signal.aborted) return { kind: 'cancelled' };
    logger.info('the member does not answer the join', { member, reason: asError(error).message });
  }
  return undefined;
}

/** Uses `node:http`, which serves the API anyway: `fetch` would cost a node ten MB of memory. */
async function postJson(
  url: string,
  body: unknown,
  signal: AbortSignal,
): Promise<{ status: number; answer: { role?: string; code?: string; detail?: string } }> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const call = request(url, { method: 'POST', headers, signal, agent: false });
  // `once` and the loop report an error too. Without a listener a late error would end the process.
  call.on('error', () => undefined);
  call.end(text);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let answer = '';
  for await (const part of response.setEncoding('utf8')) {
    answer += part as string;
    if (answer.length > MAX_ANSWER_CHARACTERS)
      throw new Error(`${url} sends a longer answer than a node does`);
  }
  return { status: response.statusCode ?? 0, answer: JSON.parse(answer) };
}

/** A wrong request stays wrong; a request that the cluster cannot take now may succeed later. */
function isFinal(status: number, code: string): boolean {
  return status >= 400 && status < 500 && code !== 'would_lose_quorum' && code !== 'node_unreachable';
}
