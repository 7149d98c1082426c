import { expect, test } from 'vitest';
import { MemoryState } from '../state/memory-state.ts';
import type { PrintJobFilters } from './model/print-job-index.ts';
import { findPrintJobs, type ListOptions, listFilaments, listPrinters, listPrintJobs } from './queries.ts';
import { apply, filamentOf, printerNamed, printJobOf, statusOf } from './testing/commands.ts';

function shop(): MemoryState {
  const state = new MemoryState();
  for (const id of ['b', 'a', 'p', '\u{1f9f5}', '\uffee']) apply(state, printerNamed(id));
  apply(state, filamentOf('f', 100));
  for (const id of ['j2', 'j1', 'j3']) apply(state, printJobOf(id, 1));
  apply(state, statusOf('j2', 'Running'));
  return state;
}

test('each kind is listed in the order of the ids’ UTF-8 bytes', () => {
  const state = shop();
  expect([...listPrinters(state)].map(({ id }) => id)).toEqual(['a', 'b', 'p', '\uffee', '\u{1f9f5}']);
  expect([...listFilaments(state)].map(({ id }) => id)).toEqual(['f']);
  expect([...listPrintJobs(state)].map(({ id }) => id)).toEqual(['j1', 'j2', 'j3']);
});

test('a page begins after an id, which need not exist, and ends at its limit', () => {
  const state = shop();
  const ids = (options: { after?: string; limit?: number }) =>
    [...listPrinters(state, options)].map(({ id }) => id);
  expect(ids({ after: 'a', limit: 2 })).toEqual(['b', 'p']);
  expect(ids({ after: 'aa', limit: 1 })).toEqual(['b']);
  expect(ids({ after: '\u{1f9f5}' })).toEqual([]);
});

test('a search finds the jobs that match all filters, in order', () => {
  const state = shop();
  apply(state, filamentOf('g', 100));
  apply(state, printJobOf('j0', 1, { printerId: 'a', filamentId: 'g' }));
  const ids = (filters: PrintJobFilters, options: ListOptions = {}): (string | undefined)[] =>
    [...findPrintJobs(state, filters, options)].map(({ row }) => row?.id);
  expect(ids({ status: 'Running' })).toEqual(['j2']);
  expect(ids({ status: 'Queued' })).toEqual(['j0', 'j1', 'j3']);
  expect(ids({ status: 'Queued' }, { after: 'j0', limit: 1 })).toEqual(['j1']);
  expect(ids({ printerId: 'p' })).toEqual(['j1', 'j2', 'j3']);
  expect(ids({ printerId: 'p', status: 'Running' })).toEqual(['j2']);
  expect(ids({ filamentId: 'g' })).toEqual(['j0']);
  expect(ids({ filamentId: 'f', printerId: 'p', status: 'Queued' })).toEqual(['j1', 'j3']);
  expect(ids({ filamentId: 'g', printerId: 'p' })).toEqual([undefined]);
  expect(ids({ printerId: 'none' })).toEqual([]);
});
