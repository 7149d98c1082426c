// Which print jobs have a status, a printer or a filament: rows of the replicated state beside the jobs', so that a
// filtered page of a farm with a million jobs reads what it shows and little more. All is in the keys.
//
// | key | value |
// |---|---|
// | `js/<code of the status><job id>` | 0 |
// | `jp/<printer id> U+0000 <code of the status><job id>` | 0 |
// | `jf/<filament id> U+0000 <code of the status><job id>` | 0 |
//
// No id contains a control character.

import { assert, present } from '../shared/assert.ts';
import { compareUtf8 } from '../shared/utf8-order.ts';
import type { PrintJob } from './model.ts';
import { PRINT_JOB_STATUSES, type PrintJobStatus, STATUS_CODES } from './print-job-status.ts';
import type { StateReader, StateView } from './state-view.ts';

export const INDEX_PREFIXES = { status: 'js/', printer: 'jp/', filament: 'jf/' } as const;

const NOTHING = 0;

export interface PrintJobFilters {
  readonly status?: PrintJobStatus | undefined;
  readonly printerId?: string | undefined;
  readonly filamentId?: string | undefined;
}

/** Invariant F4: the rows with these keys exist for each job as it is now, and no other rows of these prefixes. */
export function indexKeysOf({ id, status, printerId, filamentId }: PrintJob): string[] {
  return [
    indexPrefix({ status }, status) + id,
    indexPrefix({ printerId }, status) + id,
    indexPrefix({ filamentId }, status) + id,
  ];
}

/** Brings the index from what the job was, if it was there, to what it is. */
export function indexPrintJob(view: StateView, printJob: PrintJob, previous: PrintJob | undefined): void {
  const keys = indexKeysOf(printJob);
  if (previous !== undefined) {
    for (const key of indexKeysOf(previous)) if (!keys.includes(key)) view.delete(key);
  }
  for (const key of keys) view.put(key, NOTHING);
}

/**
 * Ids of jobs, in order, those after `after`: all that may match by the narrowest index that the filters have, which is
 * that of the filament or printer given, the filament before the printer, together with the status. At least one filter
 * must be given.
 */
export function indexedJobs(
  reader: StateReader,
  filters: PrintJobFilters,
  after: string | undefined,
): Iterable<string> {
  const { status } = filters;
  if (status !== undefined) return idsIn(reader, indexPrefix(filters, status), after);
  return merged(PRINT_JOB_STATUSES.map((each) => idsIn(reader, indexPrefix(filters, each), after)));
}

/** What the keys of those with `status` begin with, up to the id. */
function indexPrefix(
  { status: asked, printerId, filamentId }: PrintJobFilters,
  status: PrintJobStatus,
): string {
  const code = STATUS_CODES[status];
  if (filamentId !== undefined) return `${INDEX_PREFIXES.filament}${filamentId}\u0000${code}`;
  if (printerId !== undefined) return `${INDEX_PREFIXES.printer}${printerId}\u0000${code}`;
  assert(asked !== undefined, 'a search without a filter needs no index');
  return `${INDEX_PREFIXES.status}${code}`;
}

function* idsIn(reader: StateReader, prefix: string, after: string | undefined): Generator<string> {
  for (const [key] of reader.range({ prefix, ...(after !== undefined && { after: prefix + after }) })) {
    yield key.slice(prefix.length);
  }
}

/** A job has one status: the same id is never in two of them. */
function* merged(sources: readonly Iterator<string>[]): Generator<string> {
  const heads = sources.map((source) => source.next());
  try {
    for (;;) {
      let least: { readonly id: string; readonly at: number } | undefined;
      for (const [at, head] of heads.entries()) {
        if (head.done === true) continue;
        if (least === undefined || compareUtf8(head.value, least.id) < 0) least = { id: head.value, at };
      }
      if (least === undefined) return;
      yield least.id;
      heads[least.at] = present(sources[least.at], 'a source of the merge is missing').next();
    }
  } finally {
    for (const source of sources) source.return?.();
  }
}
