// The command `npm run explore`: explores within the given bounds and prints the shortest path to a
// violation. Only this file of the room uses Node.js.

import { readCommandLine } from '../kit/command-options.ts';
import { parseArguments } from './arguments.ts';
import { emptyCluster } from './scenario.ts';
import { Search, type SearchResult } from './search.ts';

const given = readCommandLine(process, parseArguments);
const startedAt = performance.now();
const seconds = (): number => (performance.now() - startedAt) / 1_000;
const found = new Search(emptyCluster(given.servers, given.budget)).run({
  depth: given.depth,
  maxStates: given.maxStates,
  isTimeUp: () => seconds() >= given.seconds,
  onDepth: (depth, { states }) =>
    console.log(`… depth ${depth}: ${states} states, ${seconds().toFixed(1)} s`),
});
console.log(format(found));
if (found.violation !== undefined) process.exitCode = 1;

function format(result: SearchResult): string {
  const { states, edges, serverStates, mostCommitted, latestTerm, depth, end, violation } = result;
  const elapsed = seconds();
  const rate = Math.round(states / elapsed);
  const figures =
    `${given.servers} servers, ${JSON.stringify(given.budget)}\n` +
    `${states} states, ${edges} edges, ${serverStates} states of single servers\n` +
    `most entries committed: ${mostCommitted}, latest term of a leader: ${latestTerm}\n` +
    `explored completely to depth ${depth} (ended by: ${end}), ${elapsed.toFixed(1)} s, ${rate} states/s`;
  if (violation === undefined) return `${figures}\nno violation`;
  const path = violation.path.map((event, at) => `${String(at + 1).padStart(4)}  ${event}`);
  return [figures, `VIOLATION ${violation.property}`, ...path].join('\n');
}
