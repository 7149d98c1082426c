import { expect, test } from 'vitest';
import { atLeast, atMost, isReached, PartReport, partLines, readable } from './result.ts';

test('a part that fails keeps its findings, and says what failed', () => {
  const report = new PartReport('writes');
  report.title('Writes');
  report.table({ title: 'By connections', columns: ['', 'writes/s'], rows: [['64', 5_000]] });
  report.goal(atLeast('writes/s', 5_000, 4_000, ''));
  const lines = partLines(report.result('the machine caught fire'), () => undefined);
  expect(lines).toContain(
    '**This part failed; the findings below are from before:** the machine caught fire',
  );
  expect(lines.join('\n')).toContain('| 64 | 5,000 |');
  expect(lines).toContain('- writes/s: 5,000 (at least 4,000): reached');
});

test('a chart is shown where there is a picture of it', () => {
  const report = new PartReport('growth');
  report.chart({ title: 'A', xLabel: 'x', yLabel: 'y', isLogarithmic: false, curves: [] });
  const result = report.result(null);
  expect(partLines(result, (at) => `growth-${at}.svg`)).toContain('![A](growth-0.svg)');
  expect(partLines(result, () => undefined).join('\n')).not.toContain('![');
});

test('a goal without a figure is not reached', () => {
  expect(isReached(atMost('x', Number.NaN, 1, ''))).toBe(false);
  expect(isReached(atLeast('x', Number.NaN, 1, ''))).toBe(false);
});

test.each([
  [0.123456, '0.123'],
  [12.345, '12.3'],
  [1_234.5, '1,235'],
  [7, '7'],
  [Number.NaN, '–'],
  ['as it is', 'as it is'],
])('%j is written %s', (value, written) => {
  expect(readable(value)).toBe(written);
});
