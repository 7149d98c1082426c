// Fuzzes command lines, durations and addresses: each is accepted, or refused with a sentence.

import fc from 'fast-check';
import { parseDurationMs } from '../../src/config/duration.ts';
import { parseCommandLine, type StartOptions, USAGE } from '../../src/config/flags.ts';
import { formatAddress, parseAddress } from '../../src/shared/address.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { checkProperty } from './check-property.ts';
import { Finding, type Idea, type Round } from './idea.ts';
import { longTexts, numberTexts, oddTexts } from './odd-text.ts';
import { withinTime } from './within-time.ts';

/** Names from the usage text, so that new flags are fuzzed too. */
const FLAG_NAMES = [...USAGE.matchAll(/^ {2}-([a-z-]+)/gm)].map((match) => match[1] ?? '');
const MAX_CASE_MS = 1_000;

const UNITS = ['ns', 'us', 'µs', 'ms', 's', 'm', 'h'];
const amounts = fc.oneof(
  fc.nat({ max: 2_000 }).map(String),
  numberTexts,
  fc.constantFrom('0', '.5', '1.', '.', '1.5', '99999999999999999999', '1e3', ''),
);
const durationTexts: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '0',
    '4m',
    '500ms',
    '50ms',
    '10ms',
    '2m',
    '1h30m',
    '1.5s',
    '9ms',
    '61s',
    '876000h',
    '876001h',
  ),
  fc
    .array(fc.tuple(amounts, fc.constantFrom(...UNITS, '', 'd', 'S', ' ')), { maxLength: 5 })
    .map((parts) => parts.map(([amount, unit]) => amount + unit).join('')),
  oddTexts,
  longTexts,
);

const hosts = fc.oneof(
  fc.constantFrom(
    '',
    '127.0.0.1',
    'localhost',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '::1',
    '[fe80::1%eth0]',
    '[',
    ']',
    '[]',
    '-a',
    'a_b',
    '1.2.3',
    '*',
  ),
  oddTexts,
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.[]%-_'), maxLength: 30 }),
);
const ports = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '80',
    '8080',
    '65535',
    '65536',
    '99999',
    '100000',
    '-1',
    ' 1',
    '1 ',
    '080',
    '',
    '١',
  ),
  numberTexts,
);
const addressTexts: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(hosts, fc.constantFrom(':', '', '::', ' :'), ports).map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.oneof(oddTexts, longTexts) },
);

/** Values that fit some flag, or nearly do. */
const values: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'node1',
      'a',
      'info',
      'debug',
      'Info',
      'true',
      'false',
      'T',
      '2',
      '100',
      '99',
      '1',
      '50000',
    ),
  },
  { weight: 3, arbitrary: durationTexts },
  { weight: 3, arbitrary: addressTexts },
  { weight: 1, arbitrary: fc.array(addressTexts, { maxLength: 70 }).map((list) => list.join(',')) },
  { weight: 2, arbitrary: fc.oneof(oddTexts, numberTexts) },
  { weight: 1, arbitrary: fc.constantFrom('-', '--', '-id', '--http', '=', '-=', '-h', 'data', '/dev/null') },
);

const names = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...FLAG_NAMES) },
  { weight: 1, arbitrary: oddTexts },
  { weight: 1, arbitrary: fc.constantFrom(...FLAG_NAMES).map((name) => name.slice(1)) },
);

const one: fc.Arbitrary<string[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('-', '--'), names, values)
      .map(([dash, name, value]) => [dash + name, value]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('-', '--', '---', ''), names, values)
      .map(([dash, name, value]) => [`${dash}${name}=${value}`]),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('-', '--'), names).map(([dash, name]) => [dash + name]) },
  { weight: 1, arbitrary: values.map((value) => [value]) },
);

/** Arbitrary lines, and lines that would start a node with some arbitrary parts. */
export const commandLines: fc.Arbitrary<string[]> = fc.oneof(
  fc.array(one, { maxLength: 8 }).map((parts) => parts.flat()),
  fc
    .tuple(
      fc.constantFrom(['-bootstrap'], ['-join', '127.0.0.1:8080'], []),
      fc.array(one, { maxLength: 2 }),
      fc.boolean(),
    )
    .map(([entry, parts, before]) => {
      const good = ['-id', 'node1', ...entry];
      return before ? [...parts.flat(), ...good] : [...good, ...parts.flat()];
    }),
);

function judgeCommandLine(args: readonly string[]): string {
  const commandLine = refusedAs('usage', () => parseCommandLine(args));
  if (commandLine === undefined) return 'refused';
  if (commandLine.kind === 'help') return 'help';
  judgeOptions(commandLine.options);
  return 'valid';
}

/** Checks accepted options by independent rules. */
function judgeOptions(options: StartOptions): void {
  const { id, httpListen, raftListen, electionTimeoutMs, heartbeatMs, removeDeadAfterMs, minVoters } =
    options;
  const holds = (condition: boolean, what: string): void => {
    if (!condition) throw new Finding(`the options are accepted though ${what}: ${JSON.stringify(options)}`);
  };
  holds(/^[\w.-]{1,64}$/.test(id) && !/^\.\.?$/.test(id), 'the id is not a file name');
  for (const { port } of [httpListen, raftListen]) {
    holds(Number.isInteger(port) && port >= 1 && port <= 65_535, 'a port is out of range');
  }
  for (const address of [options.advertiseRaft, options.advertiseHttp, ...options.join]) {
    const { host } = parseAddress(address);
    holds(host !== '' && host !== '0.0.0.0' && host !== '::', `${address} cannot be dialled`);
  }
  for (const ms of [electionTimeoutMs, heartbeatMs, removeDeadAfterMs, options.newMemberGraceMs]) {
    holds(Number.isSafeInteger(ms) && ms >= 0, 'a duration is not a whole number');
  }
  holds(heartbeatMs >= 10 && electionTimeoutMs >= 4 * heartbeatMs, 'the timing makes no sense');
  holds(Number.isInteger(minVoters) && minVoters >= 1, 'it allows no voters');
  holds(options.compactAfterEntries >= 100, 'the log would be compacted all the time');
  holds(!(options.bootstrap && options.join.length > 0), 'it both bootstraps and joins');
  holds(options.dataDirectory.endsWith(id), 'the data directory is not of this node');
}

function judgeDuration(text: string): string {
  const ms = parseDurationMs(text);
  if (ms === undefined) return 'refused';
  if (!Number.isSafeInteger(ms) || ms < 0) throw new Finding(`${JSON.stringify(text)} is read as ${ms} ms`);
  return 'valid';
}

function judgeAddress(text: string): string {
  const address = refusedAs('bad_address', () => parseAddress(text));
  if (address === undefined) return 'refused';
  const again = parseAddress(formatAddress(address));
  if (again.host !== address.host || again.port !== address.port) {
    throw new Finding(`${text} is read as ${JSON.stringify(address)} and written as another address`);
  }
  return 'valid';
}

/** Returns undefined for the typed error, and rethrows every other one. */
function refusedAs<T>(code: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodedError && error.code === code && error.message !== '') return undefined;
    throw error;
  }
}

function flagIdea<T>(
  name: string,
  { arbitrary, judge, weight }: { arbitrary: fc.Arbitrary<T>; judge: (value: T) => string; weight: number },
): Idea {
  return {
    target: 'flags',
    name,
    weight,
    roundCases: 5_000,
    async run({ seed, cases, tally }: Round): Promise<void> {
      checkProperty({ seed, runs: cases, arbitrary }, (value) => {
        const outcome = withinTime(MAX_CASE_MS, () => judge(value));
        tally.count('flags', { idea: name, kind: 'in process', outcome });
      });
    },
  };
}

export const flagIdeas: readonly Idea[] = [
  flagIdea('command-lines', { arbitrary: commandLines, judge: judgeCommandLine, weight: 2 }),
  flagIdea('durations', { arbitrary: durationTexts, judge: judgeDuration, weight: 1 }),
  flagIdea('addresses', { arbitrary: addressTexts, judge: judgeAddress, weight: 1 }),
];
