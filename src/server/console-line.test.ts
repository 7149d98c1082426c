import { describe, expect, test } from 'vitest';
import { formatConsoleLine } from './console-line.ts';

const LINE = {
  level: 'info',
  time: '2026-11-24T10:00:00.123Z',
  node: 'node1',
  msg: 'became leader',
} as const;

describe('a line on the console', () => {
  test('has time, node, level, message and fields, in this order', () => {
    const text = formatConsoleLine({ ...LINE, term: 3, peer: 'node2@a1' }, { colour: false });
    expect(text).toMatch(/^\[\d\d:\d\d:00\.123\] \[node1\] INFO {2}became leader term=3 peer=node2@a1\n$/);
  });

  test('a value that would break the line is written as JSON', () => {
    const fields = { a: 'two words', b: 'x\ny', c: '', d: { e: [1] }, f: '\u001b[2J', g: 'k=v' };
    const text = formatConsoleLine({ ...LINE, ...fields }, { colour: false });
    expect(text).toContain('a="two words" b="x\\ny" c="" d={"e":[1]} f="\\u001b[2J" g="k=v"\n');
    expect(text.split('\n')).toHaveLength(2);
  });

  test('an error shows its message, and its stack at level error', () => {
    const error = { type: 'Error', message: 'no such file', stack: 'Error: no such file\n  at x.ts:1' };
    expect(formatConsoleLine({ ...LINE, level: 'warn', error }, { colour: false })).toMatch(
      /WARN {2}became leader error="no such file"\n$/,
    );
    expect(formatConsoleLine({ ...LINE, level: 'error', error }, { colour: false })).toMatch(
      /ERROR became leader error="no such file"\n {4}Error: no such file\n {4}at x.ts:1\n$/,
    );
  });

  test('has colours only on request', () => {
    expect(formatConsoleLine(LINE, { colour: true })).toContain('\u001b[32mINFO \u001b[0m');
    expect(formatConsoleLine(LINE, { colour: false })).not.toContain('\u001b');
  });
});
