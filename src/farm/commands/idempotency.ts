// Idempotency keys: the claim that comes with a command, and the answers that are kept for retries. Answers
// live in the replicated state, so every node gives a retry the same answer, also after a change of leader, a
// restart or a snapshot.
//
// Ages are computed from the commands' own times, which are the clocks of the nodes that took the requests. A
// clock that is a day wrong drops records early or keeps them longer. The bound on their number does not
// depend on clocks.
//
// | key | value |
// |---|---|
// | `meta/idempotency` | the queue: sequence numbers of the oldest record and of the next one |
// | `idempotency/record/<key>` | fingerprint and outcome |
// | `idempotency/queue/<sequence, 16 digits>` | key and time: the records in order of arrival |

import { present } from '../../shared/assert.ts';
import type { Json, StateReader, StateView } from '../../state/state-view.ts';
import type { FarmOutcome } from '../outcome.ts';
import { isArray } from './fields.ts';

/** The caller's key, and a fingerprint of the request: equal for a retry, whatever node takes it. */
export interface IdempotencyClaim {
  /** 1 to 255 visible ASCII characters. */
  readonly key: string;
  /** 1 to 128 visible ASCII characters. */
  readonly fingerprint: string;
}

export const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255;
const MAX_FINGERPRINT_CHARACTERS = 128;
export const MAX_IDEMPOTENCY_RECORDS = 10_000;
export const MAX_IDEMPOTENCY_AGE_MS = 24 * 60 * 60 * 1_000;
/** More than one, so that an old queue shrinks while new records arrive; few, so that no command is slow. */
export const MAX_PRUNED_PER_COMMAND = 4;

type IdempotencyRecord = { readonly fingerprint: string; readonly outcome: FarmOutcome };
/** Invariant F3: exactly the records first … next - 1 exist, both in the queue and by key. */
type Queue = { readonly first: number; readonly next: number };
type QueueEntry = { readonly key: string; readonly atMs: number };

const QUEUE_KEY = 'meta/idempotency';
const SEQUENCE_DIGITS = 16;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

export function isIdempotencyKey(value: unknown): value is string {
  return isVisibleAscii(value, MAX_IDEMPOTENCY_KEY_CHARACTERS);
}

export function decodeIdempotencyClaim(value: unknown): IdempotencyClaim | undefined {
  if (!isArray(value) || value.length !== 2) return undefined;
  const [key, fingerprint] = value;
  if (!isIdempotencyKey(key) || !isVisibleAscii(fingerprint, MAX_FINGERPRINT_CHARACTERS)) return undefined;
  return { key, fingerprint };
}

/** Returns the answer kept for this claim, or a refusal when the key belongs to another request. */
export function recallOutcome(reader: StateReader, claim: IdempotencyClaim): FarmOutcome | undefined {
  const record = reader.get(recordKey(claim.key)) as IdempotencyRecord | undefined;
  if (record === undefined) return undefined;
  if (record.fingerprint === claim.fingerprint) return record.outcome;
  return { kind: 'refused', code: 'idempotency_key_reused' };
}

/** Keeps the answer to a claim that has no answer yet. */
export function rememberOutcome(
  view: StateView,
  { claim, outcome, atMs }: { claim: IdempotencyClaim; outcome: FarmOutcome; atMs: number },
): void {
  const { first, next } = readQueue(view);
  view.put(recordKey(claim.key), { fingerprint: claim.fingerprint, outcome } satisfies IdempotencyRecord &
    Json);
  view.put(queueEntryKey(next), { key: claim.key, atMs } satisfies QueueEntry);
  view.put(QUEUE_KEY, { first, next: next + 1 } satisfies Queue);
}

/**
 * Drops up to MAX_PRUNED_PER_COMMAND of the oldest records while they are too many, or too old at `atMs`.
 * Every command calls this before it looks for its own record, so there is room for one more afterwards.
 */
export function pruneRecords(view: StateView, atMs: number): void {
  const { first, next } = readQueue(view);
  let oldest = first;
  while (oldest < next && oldest - first < MAX_PRUNED_PER_COMMAND) {
    const entry = present(
      view.get(queueEntryKey(oldest)),
      'an idempotency record is not queued',
    ) as QueueEntry;
    const isTooOld = atMs - entry.atMs > MAX_IDEMPOTENCY_AGE_MS;
    if (!isTooOld && next - oldest < MAX_IDEMPOTENCY_RECORDS) break;
    view.delete(recordKey(entry.key));
    view.delete(queueEntryKey(oldest));
    oldest += 1;
  }
  if (oldest !== first) view.put(QUEUE_KEY, { first: oldest, next } satisfies Queue);
}

function readQueue(reader: StateReader): Queue {
  return (reader.get(QUEUE_KEY) as Queue | undefined) ?? { first: 0, next: 0 };
}

function recordKey(key: string): string {
  return `idempotency/record/${key}`;
}

function queueEntryKey(sequence: number): string {
  return `idempotency/queue/${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;
}

function isVisibleAscii(value: unknown, maxCharacters: number): value is string {
  return typeof value === 'string' && value.length <= maxCharacters && VISIBLE_ASCII.test(value);
}
