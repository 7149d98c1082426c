// The command `npm run fuzz`: everything that takes bytes from outside is given bad ones.

import { CodedError } from '../src/shared/coded-error.ts';
import { type FuzzArguments, parseArguments } from './arguments.ts';
import { allIdeas } from './ideas.ts';
import { formatReport } from './report.ts';
import { runIdeas } from './run.ts';

const EXIT_FOUND = 1;
const EXIT_USAGE = 2;

const given = readArguments();
const ideas = allIdeas().filter(
  ({ target, name }) => given.targets.includes(target) && (given.idea ?? name) === name,
);
if (ideas.length === 0) {
  console.error(`there is no idea ${given.idea} of ${given.targets.join(', ')}`);
  process.exit(EXIT_USAGE);
}
console.log(`seed ${given.seed}`);
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
const outcome = await runIdeas(ideas, given, interruption.signal);
console.log(formatReport(outcome, given.seed));
if (outcome.found.length > 0) process.exitCode = EXIT_FOUND;

function readArguments(): FuzzArguments {
  try {
    return parseArguments(process.argv.slice(2), Math.floor(Date.now() / 1_000));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    console.error(error.message);
    process.exit(EXIT_USAGE);
  }
}
