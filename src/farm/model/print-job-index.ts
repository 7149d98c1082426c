// Which print jobs have a status, a printer or a filament: sets of ids beside the jobs' rows in the replicated state, so
// that a filtered page of a farm with a million jobs reads what it shows and little more. Rows as in `id-blocks.ts`.
//
// | set |
// |---|
// | `js/<code of the status>` |
// | `jp/<printer id> U+0000 <code of the status>` |
// | `jf/<filament id> U+0000 <code of the status>` |
//
// No id contains a control character.

import { assert, present } from '../../shared/assert.ts';
import { compareUtf8 } from '../../shared/utf8-order.ts';
import { addId, deleteId, idsOf } from '../../state/id-sets.ts';
import type { StateReader, StateView } from '../../state/state-view.ts';
import type { PrintJob } from './model.ts';
import { PRINT_JOB_STATUSES, type PrintJobStatus, STATUS_CODES } from './print-job-status.ts';

export const INDEX_PREFIXES = { status: 'js/', printer: 'jp/', filament: 'jf/' } as const;

export interface PrintJobFilters {
  readonly status?: PrintJobStatus | undefined;
  readonly printerId?: string | undefined;
  readonly filamentId?: string | undefined;
}

/** Invariant F4: each job is in these sets as it is now, and in no other; and there is nothing else in them. */
export function setsOf({ status, printerId, filamentId }: PrintJob): string[] {
  return [setFor({ status }, status), setFor({ printerId }, status), setFor({ filamentId }, status)];
}

/** Brings the index from what the job was, if it was there, to what it is. */
export function indexPrintJob(view: StateView, printJob: PrintJob, previous: PrintJob | undefined): void {
  const sets = setsOf(printJob);
  const before = previous === undefined ? [] : setsOf(previous);
  for (const set of before) if (!sets.includes(set)) deleteId(view, set, printJob.id);
  for (const set of sets) if (!before.includes(set)) addId(view, set, printJob.id);
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
  if (status !== undefined) return idsOf(reader, setFor(filters, status), after);
  return merged(PRINT_JOB_STATUSES.map((each) => idsOf(reader, setFor(filters, each), after)));
}

/** The narrowest set of jobs with `status`. */
function setFor({ status: asked, printerId, filamentId }: PrintJobFilters, status: PrintJobStatus): string {
  const code = STATUS_CODES[status];
  if (filamentId !== undefined) return `${INDEX_PREFIXES.filament}${filamentId}\u0000${code}`;
  if (printerId !== undefined) return `${INDEX_PREFIXES.printer}${printerId}\u0000${code}`;
  assert(asked !== undefined, 'a search without a filter needs no index');
  return `${INDEX_PREFIXES.status}${code}`;
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
