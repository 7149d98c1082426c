// The command `npm run fuzz`: gives bad input to every part that reads bytes from outside.

import { EXIT_USAGE, readCommandLine } from '../kit/command-options.ts';
import { parseArguments } from './arguments.ts';
import { allIdeas } from './ideas.ts';
import { formatReport } from './report.ts';
import { runIdeas } from './run.ts';

const EXIT_FOUND = 1;

const given = readCommandLine(process, (texts) => parseArguments(texts, Math.floor(Date.now() / 1_000)));
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
