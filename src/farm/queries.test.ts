import { expect, test } from 'vitest';
import { MemoryState } from './memory-state.ts';
import { listFilaments, listPrinters, listPrintJobs, matchesFilters } from './queries.ts';
import { apply, filamentOf, printerNamed, printJobOf, statusOf } from './test-commands.ts';

function shop(): MemoryState {
  const state = new MemoryState();
  for (const id of ['b', 'a', 'p', '\u{1f9f5}', '\uffee']) apply(state, printerNamed(id));
  apply(state, filamentOf('f', 100));
  for (const id of ['j2', 'j1', 'j3']) apply(state, printJobOf(id, 1));
  apply(state, statusOf('j2', 'Running'));
  return state;
}

test('lists come in the order of the ids’ UTF-8 bytes, each kind by itself', () => {
  const state = shop();
  expect([...listPrinters(state)].map(({ id }) => id)).toEqual(['a', 'b', 'p', '\uffee', '\u{1f9f5}']);
  expect([...listFilaments(state)].map(({ id }) => id)).toEqual(['f']);
  expect([...listPrintJobs(state)].map(({ id }) => id)).toEqual(['j1', 'j2', 'j3']);
});

test('a page begins after an id, whether or not that id is there, and ends at its limit', () => {
  const state = shop();
  const ids = (options: { after?: string; limit?: number }) =>
    [...listPrinters(state, options)].map(({ id }) => id);
  expect(ids({ after: 'a', limit: 2 })).toEqual(['b', 'p']);
  expect(ids({ after: 'aa', limit: 1 })).toEqual(['b']);
  expect(ids({ after: '\u{1f9f5}' })).toEqual([]);
  expect(ids({ limit: 0 })).toEqual([]);
});

test('a job matches when it has all that is asked for', () => {
  const running = [...listPrintJobs(shop())].filter((job) => matchesFilters(job, { status: 'Running' }));
  expect(running.map(({ id }) => id)).toEqual(['j2']);
  const [job] = running;
  if (job === undefined) throw new Error('no running job');
  expect(matchesFilters(job, {})).toBe(true);
  expect(matchesFilters(job, { status: 'Running', printerId: 'p', filamentId: 'f' })).toBe(true);
  expect(matchesFilters(job, { printerId: 'a' })).toBe(false);
  expect(matchesFilters(job, { filamentId: 'g' })).toBe(false);
  expect(matchesFilters(job, { status: 'Done', printerId: 'p' })).toBe(false);
});
