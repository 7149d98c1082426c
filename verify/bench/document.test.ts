import { expect, test } from 'vitest';
import { merged, pageText } from './document.ts';
import { atMost, PartReport } from './result.ts';

const MACHINE = {
  processor: 'Some Processor',
  cores: 2,
  memoryBytes: 2 ** 33,
  node: 'v20.0.0',
  etcd: '3.5.16',
  load: 'wrk',
} as const;

function resultOf(part: string, found: number, failure: string | null = null) {
  const report = new PartReport(part);
  report.title(`About ${part}`);
  report.text('How it is measured.');
  report.chart({ title: 'A curve', xLabel: 'x', yLabel: 'y', isLogarithmic: false, curves: [] });
  report.goal(atMost(`${part} time`, found, 10, ' ms'));
  return report.result(failure);
}

test('a part that was measured again takes the place of the older one', () => {
  const older = [resultOf('reads', 1), resultOf('large', 2)];
  const parts = merged(older, [resultOf('writes', 3), resultOf('reads', 4)]);
  expect(parts.map(({ part, goals }) => [part, ...goals.map(({ found }) => found)])).toEqual([
    ['writes', 3],
    ['reads', 4],
    ['large', 2],
  ]);
});

test('the page has the machine, the goals, and every part with its pictures', () => {
  const parts = [resultOf('writes', 7), resultOf('reads', 12, 'wrk ended with 1')];
  const page = pageText({ finishedAt: '2026-11-25T01:02:03.000Z', machine: MACHINE, parts });
  expect(page).toContain(
    '2 cores (Some Processor), 8 GiB, Node.js v20.0.0, beside etcd 3.5.16; wrk sends the load',
  );
  expect(page).toContain('## Goals: 1 of 2 reached');
  expect(page).toContain('- reads time: 12 ms (at most 10 ms): NOT reached');
  expect(page).toContain('![A curve](writes-1.svg)');
  expect(page).toContain("**The part 'About reads' failed before its end.**");
  expect(page).toContain("**The part 'large' was not measured.**");
});
