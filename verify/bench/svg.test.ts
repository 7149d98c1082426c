import { expect, test } from 'vitest';
import { chartSvg, niceCeiling } from './svg.ts';

test('a chart has a line for each curve, from its first point to its last', () => {
  const svg = chartSvg({
    title: 'Writes & reads',
    xLabel: 'connections',
    yLabel: 'a second',
    isLogarithmic: true,
    curves: [
      {
        name: 'ours',
        points: [
          [1, 10],
          [16, 90],
        ],
      },
      {
        name: 'theirs',
        points: [
          [1, 5],
          [16, 50],
        ],
      },
    ],
  });
  expect(svg).toContain('Writes &amp; reads');
  // The axis goes to 100: 90 is a tenth of it below the top.
  expect(svg).toContain('<polyline points="76.0,281.6 570.0,70.4"');
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg.match(/<circle/g)).toHaveLength(4);
});

test.each([
  [7, 10],
  [10, 10],
  [11, 20],
  [49_000, 50_000],
  [0.03, 0.05],
  [0, 1],
])('an axis for %d goes to %d', (value, top) => {
  expect(niceCeiling(value)).toBeCloseTo(top);
});
