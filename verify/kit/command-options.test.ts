import { describe, expect, test } from 'vitest';
import { CodedError } from '../../src/shared/coded-error.ts';
import {
  CommandOptions,
  choice,
  EXIT_USAGE,
  flag,
  integer,
  list,
  minutes,
  readCommandLine,
  text,
} from './command-options.ts';

const OPTIONS = new CommandOptions('npm run it', {
  seed: integer({ value: 'S', about: 'one seed', max: 99 }),
  jobs: integer({ value: 'N', about: 'processes side by side', min: 1, max: 64, default: 1 }),
  minutes: minutes({ value: 'N', about: 'how long' }),
  seeds: text({ value: '1-9', about: 'these seeds', pattern: /^\d+-\d+$/ }),
  file: text({ value: 'FILE', about: 'a file' }),
  network: choice({ of: ['auto', 'proxy'], about: 'kind of network', default: 'auto' }),
  only: list(['reads', 'writes'], 'these parts'),
  full: flag('all of it'),
});

const USAGE = `Usage: npm run it -- [options]
  --seed S              one seed
  --jobs N              processes side by side (1)
  --minutes N           how long
  --seeds 1-9           these seeds
  --file FILE           a file
  --network auto|proxy  kind of network (auto)
  --only NAME,...       these parts: reads, writes (all)
  --full                all of it`;

describe('options', () => {
  test('that are not given have their default', () => {
    expect(OPTIONS.parse([])).toEqual({ jobs: 1, network: 'auto', full: false });
  });

  test('are read as their kind', () => {
    const given =
      '--seed 7 --jobs=2 --minutes 0.5 --seeds 1-3 --file a,b --network proxy --only writes --full';
    expect(OPTIONS.parse(given.split(' '))).toEqual({
      seed: 7,
      jobs: 2,
      minutes: 0.5,
      seeds: '1-3',
      file: 'a,b',
      network: 'proxy',
      only: ['writes'],
      full: true,
    });
  });

  test('take their last value when repeated', () => {
    expect(OPTIONS.parse(['--seed', '7', '--seed', '8'])).toMatchObject({ seed: 8 });
  });

  test.each([
    [['--fast', '1'], "Unknown option '--fast'"],
    [['seed'], "Unexpected argument 'seed'"],
    [['--seed'], "Option '--seed <value>' argument missing"],
    [['--seed', '-1'], "Option '--seed' argument is ambiguous"],
    [['--seed', '1.5'], '--seed is a whole number from 0 to 99'],
    [['--jobs', '0'], '--jobs is a whole number from 1 to 64'],
    [['--minutes', '0'], '--minutes is a number above 0 and up to 1440'],
    [['--minutes', '1441'], '--minutes is a number above 0 and up to 1440'],
    [['--seeds', '1'], '--seeds is written as 1-9'],
    [['--file', ''], '--file is written as FILE'],
    [['--network', 'wifi'], '--network is one of auto, proxy'],
    [['--only', 'reads,tea'], '--only is a list of reads, writes'],
    [['--only', ''], '--only is a list of reads, writes'],
    [['--full=1'], "Option '--full' does not take an argument"],
  ])('%j are refused with the problem and the usage', (given, problem) => {
    const refused = expect.objectContaining({ code: 'usage', message: `${problem}\n${USAGE}` });
    expect(() => OPTIONS.parse(given)).toThrow(refused);
  });
});

class Ended extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`ended with ${code}`);
    this.code = code;
  }
}

function processWith(...given: string[]) {
  const printed: string[] = [];
  return {
    printed,
    argv: ['node', 'main.js', ...given],
    stderr: { write: (text: string) => printed.push(text) },
    exit: (code: number): never => {
      throw new Ended(code);
    },
  };
}

describe('a command', () => {
  test('reads the words after its own name', () => {
    const process = processWith('--seed', '7');
    expect(readCommandLine(process, (given) => OPTIONS.parse(given))).toMatchObject({ seed: 7 });
    expect(process.printed).toEqual([]);
  });

  test('prints a usage error and ends with its exit code', () => {
    const process = processWith('--fast');
    const read = () => readCommandLine(process, (given) => OPTIONS.parse(given));
    expect(read).toThrow(`ended with ${EXIT_USAGE}`);
    expect(process.printed).toEqual([`Unknown option '--fast'\n${USAGE}\n`]);
  });

  test.each([new Error('a bug'), new CodedError('store_damaged', 'another error')])(
    'throws on an error other than a usage error: %s',
    (error) => {
      const process = processWith();
      const failing = (): never => {
        throw error;
      };
      expect(() => readCommandLine(process, failing)).toThrow(error);
      expect(process.printed).toEqual([]);
    },
  );
});
