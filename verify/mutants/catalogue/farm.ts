// The farm's rules: spools, jobs, and answers that are given again.

import type { Mutant } from '../mutant.ts';

export const FARM: readonly Mutant[] = [
  {
    id: 'reservation-released-twice',
    subject: 'farm',
    file: 'src/farm/commands/print-job.ts',
    edits: [
      { find: "if (to === 'Queued' || to === 'Running') return;", replace: "if (to === 'Queued') return;" },
    ],
    bug: 'A job gives back its reservation when it starts, and again when it ends.',
  },
  {
    id: 'reservation-never-released-by-a-failure',
    subject: 'farm',
    file: 'src/farm/commands/print-job.ts',
    edits: [
      {
        find: "if (to === 'Queued' || to === 'Running') return;",
        replace: "if (to === 'Queued' || to === 'Running' || to === 'Failed') return;",
      },
    ],
    bug: 'A job that failed keeps its filament reserved for ever.',
  },
  {
    id: 'done-takes-the-weight-twice',
    subject: 'farm',
    file: 'src/farm/commands/print-job.ts',
    edits: [
      {
        find: 'remainingMilligrams: filament.remainingMilligrams - taken,',
        replace: 'remainingMilligrams: filament.remainingMilligrams - 2 * taken,',
      },
    ],
    bug: 'A job that is done takes its weight off the spool twice.',
  },
  {
    id: 'canceled-takes-the-weight',
    subject: 'farm',
    file: 'src/farm/commands/print-job.ts',
    edits: [
      {
        find: "const taken = to === 'Done' ? weightMilligrams : 0;",
        replace: "const taken = to !== 'Failed' ? weightMilligrams : 0;",
      },
    ],
    bug: 'A job that is canceled takes its weight off the spool.',
  },
  {
    id: 'weight-not-checked',
    subject: 'farm',
    file: 'src/farm/commands/print-job.ts',
    edits: [{ find: 'if (weightMilligrams > available) {', replace: 'if (weightMilligrams < 0) {' }],
    bug: 'A job is accepted though the spool has too little left.',
  },
  {
    id: 'weight-checked-without-reservations',
    subject: 'farm',
    file: 'src/farm/model/filament.ts',
    edits: [
      {
        find: 'return filament.remainingMilligrams - filament.reservedMilligrams;',
        replace: 'return filament.remainingMilligrams;',
      },
    ],
    bug: 'Weight that other jobs have reserved counts as available.',
  },
  {
    id: 'finished-job-starts-again',
    subject: 'farm',
    file: 'src/farm/model/print-job-status.ts',
    edits: [{ find: 'Failed: [],', replace: "Failed: ['Running']," }],
    bug: 'A job that failed may run again, with nothing reserved for it.',
  },
  {
    id: 'queued-job-is-done-at-once',
    subject: 'farm',
    file: 'src/farm/model/print-job-status.ts',
    edits: [
      { find: "Queued: ['Running', 'Canceled'],", replace: "Queued: ['Running', 'Done', 'Canceled']," },
    ],
    bug: 'A job that never ran may be done.',
  },
  {
    id: 'idempotency-key-ignored',
    subject: 35,
    file: 'src/farm/apply.ts',
    edits: [
      {
        find: 'if (recalled !== undefined) return recalled;',
        replace: "if (recalled?.kind === 'refused') return recalled;",
      },
    ],
    bug: 'A request that is sent again with its key is carried out again.',
  },
  {
    id: 'idempotency-key-of-another-request',
    subject: 'farm',
    file: 'src/farm/commands/idempotency.ts',
    edits: [
      {
        find: 'if (record.fingerprint === claim.fingerprint) return record.outcome;',
        replace: 'if (claim.fingerprint.length > 0) return record.outcome;',
      },
    ],
    bug: 'Another request with the same key gets the answer of the first.',
  },
  {
    id: 'answers-kept-for-ever',
    subject: 36,
    file: 'src/farm/commands/idempotency.ts',
    edits: [
      {
        find: 'if (!isTooOld && next - oldest < MAX_IDEMPOTENCY_RECORDS) break;',
        replace: 'if (!isTooOld) break;',
      },
    ],
    bug: 'The answers that are kept for retries have no bound.',
  },
  {
    id: 'apply-reads-the-clock',
    subject: 'farm',
    file: 'src/farm/commands/print-job.ts',
    edits: [
      {
        find: 'updatedAtMs: Math.max(atMs, printJob.updatedAtMs) };',
        replace: 'updatedAtMs: Math.max(atMs, Date.now()) };',
      },
    ],
    bug: 'Each replica stamps a change with its own time.',
  },
  {
    id: 'same-id-replaces-the-printer',
    subject: 'farm',
    file: 'src/farm/commands/printer.ts',
    edits: [
      {
        find: 'if (getPrinter(view, id) !== undefined) {',
        replace: 'if (id.length === 0) {',
      },
    ],
    bug: 'A printer with an existing id replaces the other printer.',
  },
  {
    id: 'grams-rounded-in-silence',
    subject: 'farm',
    file: 'src/farm/model/milligrams.ts',
    edits: [
      {
        find: 'if (milligrams / 1_000 !== value)',
        replace: 'if (Number.isNaN(milligrams))',
      },
    ],
    bug: 'Weights with more than three decimals are rounded.',
  },
  {
    id: 'index-keeps-the-old-status',
    subject: 'farm',
    file: 'src/farm/model/print-job-index.ts',
    edits: [{ find: 'deleteId(view, set, printJob.id)', replace: 'set.at(0)' }],
    bug: 'A job is still found by the status that it had.',
  },
  {
    id: 'full-block-of-ids-forgotten',
    subject: 'farm',
    file: 'src/state/id-sets.ts',
    edits: [{ find: 'view.put(set, SEPARATOR + id);', replace: 'view.put(set, id);' }],
    bug: 'A set of ids does not know that there are blocks before its last one.',
  },
  {
    id: 'written-row-stays-in-the-cache',
    subject: 'farm',
    file: 'src/engines/raft/node/state/state-store.ts',
    edits: [{ find: 'this.#cache.delete(key);', replace: '' }],
    bug: 'Once a write is durable, readers get the row as it was before.',
  },
];
