// Answers that are kept for retries. They live in the replicated state, so every node gives the same answer to a retry,
// also after a change of leader, a restart or a snapshot.
//
// Ages are counted by the commands' own times, which are the clocks of the nodes that were asked. A clock that is wrong
// by a day costs records early or keeps them longer; the bound on their number holds whatever the clocks say.
//
// | key | value |
// |---|---|
// | `meta/idempotency` | the queue: sequence numbers of the oldest record and of the next one |
// | `idempotency/record/<key>` | fingerprint and outcome |
// | `idempotency/queue/<sequence, 16 digits>` | key and time: the records in the order in which they came |

import { present } from '../../shared/assert.ts';
import type { Json, StateReader, StateView } from '../../state/state-view.ts';
import type { FarmOutcome } from '../outcome.ts';
import type { IdempotencyClaim } from './command.ts';

export const MAX_IDEMPOTENCY_RECORDS = 10_000;
export const MAX_IDEMPOTENCY_AGE_MS = 24 * 60 * 60 * 1_000;
/** More than one, so that a queue which grew old empties while new records come; few, so that no command is slow. */
export const MAX_PRUNED_PER_COMMAND = 4;

type IdempotencyRecord = { readonly fingerprint: string; readonly outcome: FarmOutcome };
/** Invariant F3: records first … next - 1 exist, in the queue and by key, and no other. */
type Queue = { readonly first: number; readonly next: number };
type QueueEntry = { readonly key: string; readonly atMs: number };

const QUEUE_KEY = 'meta/idempotency';
const SEQUENCE_DIGITS = 16;

/** What a command with this claim was answered before, or the refusal when the key belongs to another request. */
export function recallOutcome(reader: StateReader, claim: IdempotencyClaim): FarmOutcome | undefined {
  const record = reader.get(recordKey(claim.key)) as IdempotencyRecord | undefined;
  if (record === undefined) return undefined;
  if (record.fingerprint === claim.fingerprint) return record.outcome;
  return { kind: 'refused', code: 'idempotency_key_reused' };
}

/** Keeps the answer to a claim that has none yet. */
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
 * Drops the oldest records while they are too many or too old at `atMs`, at most MAX_PRUNED_PER_COMMAND of them.
 * Called by every command before it looks for its own record, so there is room for one more afterwards.
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
