import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';
import { formatFailure, replayCommand, summarize, Totals } from './report.ts';
import { simulate } from './simulation.ts';

test.each([
  { seed: 5 },
  { seed: 5, durationMs: 700 },
  { seed: 5, durationMs: 700, faults: [2, 4] },
  { seed: 5, faults: [] },
])('the replay command of %j requests that run', (options) => {
  const { first, last, durationMs, faults } = parseArguments(
    replayCommand(options).split(' -- ')[1]?.split(' ') ?? [],
  );
  expect({ seed: first, durationMs, faults }).toEqual({
    durationMs: undefined,
    faults: undefined,
    ...options,
  });
  expect(last).toBe(options.seed);
});

test('totals cover all runs, and failed seeds are listed', () => {
  const result = simulate({ seed: 1, durationMs: 500, faults: [] });
  const failing = { ...result, seed: 2, faults: { kill: 2 }, violations: [{ property: 'p', message: 'm' }] };
  const totals = new Totals();
  for (const one of [result, failing, { ...failing, seed: 3 }]) totals.add(summarize(one), 0.5);
  expect(totals.failedSeeds).toEqual([2, 3]);
  const text = totals.format(2);
  expect(text).toContain('seeds               3 (2 failed)');
  expect(text).toContain(
    `events              ${3 * result.events} (${Math.round((3 * result.events) / 2)}/s)`,
  );
  expect(text).toContain(`2 s: ${Math.round((3 * result.events) / 1.5)} events a second of it`);
  expect(text).toMatch(/faults {14}4\n {2}kill {18}4/);
});

test('a failure is printed with its cause, its faults, its last trace lines and its replay command', () => {
  const options = { seed: 1, durationMs: 4_000 };
  const result = simulate({ ...options, isTraced: true });
  const text = formatFailure(
    options,
    { ...result, violations: [{ property: 'liveness', message: 'why' }] },
    3,
  );
  expect(text).toContain('liveness: why');
  expect(text.split('\n').filter((line) => / s {2}\S/.test(line))).toHaveLength(3);
  expect(text).toMatch(/replay: npm run sim -- --seed 1 --duration 4000$/);
});
