// Draws a chart as SVG: a few curves over one axis, readable on white and on black.

import { type Chart, readable } from './result.ts';

const WIDTH = 720;
const HEIGHT = 360;
const MARGIN = { left: 76, right: 150, top: 44, bottom: 52 };
const COLOURS = ['#2563eb', '#ea580c', '#16a34a', '#9333ea', '#dc2626', '#0891b2'];
const INK = '#64748b';
const GRID_LINES = 5;

export function chartSvg(chart: Chart): string {
  const points = chart.curves.flatMap((curve) => curve.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const top = niceCeiling(Math.max(...points.map(([, y]) => y)));
  const x = xScale(xs, chart.isLogarithmic);
  const y = (value: number): number =>
    HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    text(chart.title, { x: MARGIN.left, y: 20, size: 15, fill: INK }),
    text(chart.yLabel, { x: MARGIN.left, y: MARGIN.top - 8, fill: INK }),
    ...horizontalLines(top, y),
    ...xs.map((value) =>
      text(readable(value), { x: x(value), y: HEIGHT - MARGIN.bottom + 18, anchor: 'middle', fill: INK }),
    ),
    text(chart.xLabel, {
      x: (MARGIN.left + WIDTH - MARGIN.right) / 2,
      y: HEIGHT - 12,
      anchor: 'middle',
      fill: INK,
    }),
    ...chart.curves.flatMap((curve, at) => curveParts(curve, { x, y, at })),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

type Scale = (value: number) => number;

function xScale(xs: readonly number[], isLogarithmic: boolean): Scale {
  const place = isLogarithmic ? Math.log : (value: number): number => value;
  const first = place(xs[0] ?? 1);
  const width = place(xs.at(-1) ?? 1) - first;
  return (value) =>
    MARGIN.left + (width === 0 ? 0.5 : (place(value) - first) / width) * (WIDTH - MARGIN.left - MARGIN.right);
}

function horizontalLines(top: number, y: Scale): string[] {
  return Array.from({ length: GRID_LINES + 1 }, (_, at) => {
    const value = (top * at) / GRID_LINES;
    return (
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" stroke="${INK}" stroke-opacity="0.25"/>` +
      text(readable(value), { x: MARGIN.left - 8, y: y(value) + 4, anchor: 'end', fill: INK })
    );
  });
}

function curveParts(
  { name, points }: Chart['curves'][number],
  { x, y, at }: { x: Scale; y: Scale; at: number },
): string[] {
  const colour = COLOURS[at % COLOURS.length] ?? INK;
  const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
  const [lastX, lastY] = points.at(-1) ?? [0, 0];
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(
      ([px, py]) => `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colour}"/>`,
    ),
    text(name, { x: x(lastX) + 10, y: y(lastY) + 4, fill: colour }),
  ];
}

function text(
  content: string,
  {
    x,
    y,
    size = 12,
    anchor = 'start',
    fill,
  }: { x: number; y: number; size?: number; anchor?: string; fill: string },
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="${fill}">${escaped}</text>`;
}

/** Rounds up to 1, 2 or 5 times a power of ten. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value) ?? 10;
  return factor * power;
}
