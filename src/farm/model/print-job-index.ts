// The index of print jobs by status, printer and filament: sets of ids (id-sets.ts) in the replicated state.
// A filtered page of a million jobs reads little more than the rows that it shows.
//
// | set |
// |---|
// | `js/<status code>` |
// | `jp/<printer id> U+0000 <status code>` |
// | `jf/<filament id> U+0000 <status code>` |
//
// No id contains a control character.

import { present } from '../../shared/assert.ts';
import { compareUtf8 } from '../../shared/utf8-order.ts';
import { addId, deleteId, idsOf } from '../../state/id-sets.ts';
import type { StateReader, StateView } from '../../state/state-view.ts';
import { PRINT_JOB_STATUSES, type PrintJobStatus, STATUS_CODES } from './print-job-status.ts';

/** For tests: they check every set. */
export const INDEX_PREFIXES = { status: 'js/', printer: 'jp/', filament: 'jf/' } as const;

/** The fields of a print job that decide where it is found. */
interface IndexedFields {
  readonly status: PrintJobStatus;
  readonly printerId: string;
  readonly filamentId: string;
}

export type PrintJobFilters = { readonly [Field in keyof IndexedFields]?: IndexedFields[Field] | undefined };

interface IndexedPrintJob extends IndexedFields {
  readonly id: string;
}

/**
 * Invariant F4: each job is in these sets and in no other, and the sets contain only jobs.
 * For tests: they check the invariant.
 */
export function setsOf({ status, printerId, filamentId }: IndexedFields): string[] {
  return [setFor({}, status), setFor({ printerId }, status), setFor({ filamentId }, status)];
}

/** Updates the index for a job that changed from `previous`, which is undefined for a new job. */
export function indexPrintJob(
  view: StateView,
  printJob: IndexedPrintJob,
  previous: IndexedPrintJob | undefined,
): void {
  const sets = setsOf(printJob);
  const before = previous === undefined ? [] : setsOf(previous);
  for (const set of before) if (!sets.includes(set)) deleteId(view, set, printJob.id);
  for (const set of sets) if (!before.includes(set)) addId(view, set, printJob.id);
}

/**
 * Ids of the jobs that may match, in order, from the first id after `after`. They come from the narrowest
 * set: by filament, else by printer, each together with the status.
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

/** The narrowest set of jobs with this status. */
function setFor({ printerId, filamentId }: PrintJobFilters, status: PrintJobStatus): string {
  const code = STATUS_CODES[status];
  if (filamentId !== undefined) return `${INDEX_PREFIXES.filament}${filamentId}\u0000${code}`;
  if (printerId !== undefined) return `${INDEX_PREFIXES.printer}${printerId}\u0000${code}`;
  return `${INDEX_PREFIXES.status}${code}`;
}

/** Merges sorted sources. A job has one status, so no id is in two of them. */
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
