// Keeps the results of runs in verify/bench/results: as JSON, as pictures, and as one page.

import fs from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { PARTS } from './arguments.ts';
import { goalLine, isReached, minute, type PartResult, partLines, readable } from './result.ts';
import { chartSvg } from './svg.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly etcd: string | null;
  readonly load: 'wrk' | 'autocannon';
}

interface KeptResults {
  readonly finishedAt: string;
  readonly machine: Machine;
  readonly parts: readonly PartResult[];
}

const RESULTS = path.join(PROJECT_ROOT, 'verify', 'bench', 'results');
const PAGE = path.join(RESULTS, 'results.md');
const GIBIBYTE = 2 ** 30;

/**
 * Keeps the results of a run, and returns the file. The parts of a full run replace the same parts of the
 * full results that are kept; its pictures are drawn, and the page is written again.
 */
export function keepResults(results: KeptResults, { isFull }: { isFull: boolean }): string {
  const file = path.join(RESULTS, isFull ? 'full.json' : 'quick.json');
  const kept = isFull ? { ...results, parts: merged(readParts(file), results.parts) } : results;
  fs.mkdirSync(RESULTS, { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(kept, undefined, 1)}\n`);
  if (isFull) writePage(kept);
  return file;
}

function readParts(file: string): readonly PartResult[] {
  if (!fs.existsSync(file)) return [];
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as KeptResults).parts;
}

/** One result of each part, the newer one where there are two, in the order of PARTS. */
export function merged(older: readonly PartResult[], newer: readonly PartResult[]): PartResult[] {
  const byName = new Map([...older, ...newer].map((result) => [result.part, result]));
  return PARTS.flatMap((name) => byName.get(name) ?? []);
}

function writePage(results: KeptResults): void {
  for (const part of results.parts) {
    for (const [at, chart] of part.charts.entries()) {
      fs.writeFileSync(path.join(RESULTS, pictureName(part, at)), chartSvg(chart));
    }
  }
  fs.writeFileSync(PAGE, pageText(results));
}

export function pageText({ finishedAt, machine, parts }: KeptResults): string {
  const { processor, cores, memoryBytes, node, etcd, load } = machine;
  const goals = parts.flatMap((part) => part.goals);
  const failed = parts.filter(({ failure }) => failure !== null);
  const missing = PARTS.filter((name) => !parts.some(({ part }) => part === name));
  const minutes = parts.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  return [
    '# Results of the benchmark',
    '',
    '`npm run bench -- --full` writes this page, and the numbers behind it to [full.json](full.json). ' +
      '[docs/performance.md](../../../docs/performance.md) says what is promised.',
    '',
    `Finished ${minute(finishedAt)} on ${cores} cores (${processor}), ` +
      `${Math.round(memoryBytes / GIBIBYTE)} GiB, Node.js ${node}${etcd === null ? '' : `, beside etcd ${etcd}`}; ` +
      `${load} sends the load. All nodes and the load share these cores. Systems are measured in turns, and medians ` +
      'are shown. Ratios carry over to other machines better than absolute numbers. All parts together took ' +
      `${readable(Math.round(minutes))} minutes.`,
    '',
    ...failed.map(({ title }) => `**The part '${title}' failed before its end.**\n`),
    ...missing.map((name) => `**The part '${name}' was not measured.**\n`),
    `## Goals: ${goals.filter(isReached).length} of ${goals.length} reached`,
    '',
    ...goals.map((goal) => `- ${goalLine(goal)}`),
    '',
    // The goals stand together above.
    ...parts.flatMap((part) => partLines({ ...part, goals: [] }, (at) => pictureName(part, at))),
  ].join('\n');
}

function pictureName({ part }: PartResult, at: number): string {
  return `${part}-${at + 1}.svg`;
}
