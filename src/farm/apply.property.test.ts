import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BOUNDED_BLOCKS, idsOf } from '../state/id-sets.ts';
import { MemoryState } from '../state/memory-state.ts';
import { applyCommand } from './apply.ts';
import { type Action, type Command, encodeCommand } from './commands/command.ts';
import type { Filament } from './model/filament.ts';
import { getFilament } from './model/filament.ts';
import type { PrintJob } from './model/print-job.ts';
import { INDEX_PREFIXES, type PrintJobFilters, setsOf } from './model/print-job-index.ts';
import { PRINT_JOB_STATUSES } from './model/print-job-status.ts';
import { findPrintJobs, listFilaments, listPrintJobs } from './queries.ts';

const JOB_IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const FILAMENT_IDS = ['red', 'blue', 'none'];

const anAction: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom('p', 'q').map((id): Action => {
    return { kind: 'add_printer', printer: { id, company: 'Prusa', model: 'MK4' } };
  }),
  fc
    .tuple(
      fc.constantFrom('red', 'blue'),
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([id, totalMilligrams, share]): Action => {
      const remainingMilligrams = Math.floor(totalMilligrams * share);
      const filament = { id, material: 'PLA', color: 'Red', totalMilligrams, remainingMilligrams };
      return { kind: 'add_filament', filament };
    }),
  fc
    .record({
      id: fc.constantFrom(...JOB_IDS),
      printerId: fc.constantFrom('p', 'q', 'none'),
      filamentId: fc.constantFrom(...FILAMENT_IDS),
      filePath: fc.constant('/x.gcode'),
      weightMilligrams: fc.integer({ min: 1, max: 30 }),
    })
    .map((printJob): Action => ({ kind: 'add_print_job', printJob })),
  fc
    .record({ id: fc.constantFrom(...JOB_IDS), status: fc.constantFrom(...PRINT_JOB_STATUSES) })
    .map((change): Action => ({ kind: 'change_print_job_status', ...change })),
);

const aCommand: fc.Arbitrary<Command> = fc.record(
  {
    atMs: fc.integer({ min: 0, max: 3 * 24 * 3_600_000 }),
    action: anAction,
    idempotency: fc.record({
      key: fc.constantFrom('k1', 'k2', 'k3'),
      fingerprint: fc.constantFrom('x', 'y'),
    }),
  },
  { requiredKeys: ['atMs', 'action'] },
);

const commands = fc.array(aCommand, { maxLength: 80, size: 'max' });

/** A shop with a printer and a spool, so that jobs can reserve filament. */
function openShop(): MemoryState {
  const state = new MemoryState();
  for (const action of [
    { kind: 'add_printer', printer: { id: 'p', company: 'Prusa', model: 'MK4' } },
    {
      kind: 'add_filament',
      filament: { id: 'red', material: 'PLA', color: 'Red', totalMilligrams: 100, remainingMilligrams: 90 },
    },
  ] as const) {
    applyCommand(state, encodeCommand({ atMs: 0, action }));
  }
  return state;
}

/** Expects invariants F1 and F2, and that a spool lacks exactly the weight of its Done jobs. */
function expectExactSpools(state: MemoryState, weightsAtStart: ReadonlyMap<string, number>): void {
  const printJobs = [...listPrintJobs(state)];
  for (const filament of listFilaments(state)) {
    const { remainingMilligrams, reservedMilligrams, totalMilligrams } = filament;
    expect(reservedMilligrams).toBeGreaterThanOrEqual(0);
    expect(reservedMilligrams).toBeLessThanOrEqual(remainingMilligrams);
    expect(remainingMilligrams).toBeLessThanOrEqual(totalMilligrams);
    expect(reservedMilligrams).toBe(weightOf(printJobs, filament, ['Queued', 'Running']));
    const takenMilligrams = (weightsAtStart.get(filament.id) ?? Number.NaN) - remainingMilligrams;
    expect(takenMilligrams).toBe(weightOf(printJobs, filament, ['Done']));
  }
}

function weightOf(printJobs: readonly PrintJob[], filament: Filament, statuses: readonly string[]): number {
  return printJobs
    .filter((printJob) => printJob.filamentId === filament.id && statuses.includes(printJob.status))
    .reduce((sum, printJob) => sum + printJob.weightMilligrams, 0);
}

test('each job is in exactly its three sets of the index, and the sets contain nothing else', () => {
  fc.assert(
    fc.property(commands, (history) => {
      const state = openShop();
      for (const command of history) applyCommand(state, encodeCommand(command));
      const printJobs = [...listPrintJobs(state)];
      for (const job of printJobs)
        for (const set of setsOf(job)) expect([...idsOf(state, set)]).toContain(job.id);
      const prefixes = [...Object.values(INDEX_PREFIXES), BOUNDED_BLOCKS];
      const rows = prefixes.flatMap((prefix) => [...state.range({ prefix })]);
      const ids = rows.flatMap(([, row]) => (row as string).split('\u007f')).filter((id) => id !== '');
      expect(ids.length).toBe(3 * printJobs.length);
    }),
    { numRuns: 60 },
  );
});

const filters: fc.Arbitrary<PrintJobFilters> = fc
  .record(
    {
      status: fc.constantFrom(...PRINT_JOB_STATUSES),
      printerId: fc.constantFrom('p', 'q'),
      filamentId: fc.constantFrom('red', 'blue'),
    },
    { requiredKeys: [] },
  )
  .filter((asked) => Object.keys(asked).length > 0);

test('a search finds the jobs that match all filters, in order of ids, for every combination', () => {
  fc.assert(
    fc.property(commands, filters, fc.constantFrom(undefined, 'a', 'c', 'f'), (history, asked, after) => {
      const state = openShop();
      for (const command of history) applyCommand(state, encodeCommand(command));
      const expected = [...listPrintJobs(state, { after })].filter(
        ({ status, printerId, filamentId }) =>
          status === (asked.status ?? status) &&
          printerId === (asked.printerId ?? printerId) &&
          filamentId === (asked.filamentId ?? filamentId),
      );
      const found = [...findPrintJobs(state, asked, { after })].flatMap(({ row }) => row ?? []);
      expect(found).toEqual(expected);
    }),
  );
});

test('after any commands, reserved ≤ remaining, and the spools agree with the jobs to the milligram', () => {
  fc.assert(
    fc.property(commands, (history) => {
      const state = openShop();
      const weightsAtStart = new Map([['red', 90]]);
      for (const command of history) {
        const outcome = applyCommand(state, encodeCommand(command));
        if (outcome.kind === 'created' && outcome.resource.kind === 'filament') {
          const { id, remainingMilligrams } = outcome.resource.row;
          if (!weightsAtStart.has(id)) weightsAtStart.set(id, remainingMilligrams);
        }
        expectExactSpools(state, weightsAtStart);
      }
    }),
    { numRuns: 60 },
  );
});

test('the same commands give the same state and the same outcomes', () => {
  fc.assert(
    fc.property(commands, (history) => {
      const [one, other] = [openShop(), openShop()];
      for (const command of history) {
        const bytes = encodeCommand(command);
        expect(applyCommand(one, bytes)).toEqual(applyCommand(other, bytes));
      }
      expect(one.toText()).toBe(other.toText());
    }),
    { numRuns: 60 },
  );
});

test('a refused command leaves every printer, filament and job as it was', () => {
  fc.assert(
    fc.property(commands, (history) => {
      const state = openShop();
      for (const command of history) {
        const before = state.toText();
        const outcome = applyCommand(state, encodeCommand(command));
        if (outcome.kind === 'refused') expect(withoutRecords(state.toText())).toBe(withoutRecords(before));
      }
    }),
    { numRuns: 60 },
  );
});

function withoutRecords(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('"idempotency/') && !line.startsWith('"meta/idempotency"'))
    .join('\n');
}

test('ten thousand jobs of a tenth of a gram take exactly a thousand grams', () => {
  const state = new MemoryState();
  const JOBS = 10_000;
  const send = (action: Action) => applyCommand(state, encodeCommand({ atMs: 0, action }));
  send({ kind: 'add_printer', printer: { id: 'p', company: 'Prusa', model: 'MK4' } });
  const weights = { totalMilligrams: 1_000_001, remainingMilligrams: 1_000_001 };
  send({ kind: 'add_filament', filament: { id: 'f', material: 'PLA', color: 'Red', ...weights } });
  for (let job = 0; job < JOBS; job += 1) {
    const id = String(job);
    const printJob = { id, printerId: 'p', filamentId: 'f', filePath: '/x', weightMilligrams: 100 };
    send({ kind: 'add_print_job', printJob });
    send({ kind: 'change_print_job_status', id, status: 'Running' });
    expect(send({ kind: 'change_print_job_status', id, status: 'Done' }).kind).toBe('changed');
  }
  expect(getFilament(state, 'f')).toMatchObject({ remainingMilligrams: 1, reservedMilligrams: 0 });
});
