// docs/performance.md from what a full run has found, and its pictures.

import fs from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from '../test/support/project-root.ts';
import { type Chart, goalLine, isReached, markdownTable, type PartResult } from './result.ts';
import { chartSvg } from './svg.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly etcd: string | null;
}

export interface KeptResults {
  readonly finishedAt: string;
  readonly machine: Machine;
  readonly parts: readonly PartResult[];
}

const RESULTS = path.join(PROJECT_ROOT, 'bench', 'results');
/** Written by people: where the time goes, and what paid. It stands below what is measured. */
const NOTES = path.join(PROJECT_ROOT, 'bench', 'notes.md');
const DOCUMENT = path.join(PROJECT_ROOT, 'docs', 'performance.md');
const GIBIBYTE = 2 ** 30;

/** Keeps the results of a run: as JSON, and of a full one also the pictures and the page that shows them. */
export function keepResults(results: KeptResults, { isFull }: { isFull: boolean }): string {
  fs.mkdirSync(RESULTS, { recursive: true });
  const file = path.join(RESULTS, isFull ? 'full.json' : 'quick.json');
  fs.writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
  if (isFull) writeDocument(results);
  return file;
}

function writeDocument({ finishedAt, machine, parts }: KeptResults): void {
  for (const part of parts) {
    for (const [at, chart] of part.charts.entries()) {
      fs.writeFileSync(path.join(RESULTS, pictureName(part, at)), chartSvg(chart));
    }
  }
  const { processor, cores, memoryBytes, node, etcd } = machine;
  const goals = parts.flatMap((part) => part.goals);
  const text = [
    '# Performance',
    '',
    'Written by `npm run bench -- --full`; the numbers behind it are in `bench/results/full.json`.',
    '',
    `Finished ${finishedAt.slice(0, 16).replace('T', ' ')} UTC on ${cores} cores (${processor}), ` +
      `${Math.round(memoryBytes / GIBIBYTE)} GiB, Node ${node}${etcd === null ? '' : `, beside etcd ${etcd}`}. ` +
      'All nodes and the load share these cores. Systems are measured in turns, and medians shown: ratios mean more ' +
      'than numbers, which are of that machine.',
    '',
    `## Goals: ${goals.filter(isReached).length} of ${goals.length} reached`,
    '',
    ...goals.map((goal) => `- ${goalLine(goal)}`),
    '',
    ...parts.flatMap(partText),
    fs.readFileSync(NOTES, 'utf8').trim(),
    '',
  ];
  fs.writeFileSync(DOCUMENT, text.join('\n'));
}

function partText(part: PartResult): string[] {
  const pictures = part.charts.map(
    (chart: Chart, at) => `![${chart.title}](../bench/results/${pictureName(part, at)})`,
  );
  return [
    `## ${part.title}`,
    '',
    ...part.tables.flatMap((table) => [markdownTable(table), '']),
    ...pictures.flatMap((picture) => [picture, '']),
  ];
}

function pictureName({ part }: PartResult, at: number): string {
  return `${part}-${at + 1}.svg`;
}
