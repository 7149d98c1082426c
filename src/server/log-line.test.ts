import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodedError } from '../shared/coded-error.ts';
import { formatLogLine } from './log-line.ts';

function format(message: string, fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return JSON.parse(formatLogLine('{"level":"info"', message, fields)) as Record<string, unknown>;
}

describe('a log line', () => {
  test('is one line of JSON with the fields and then the message, for any text, number and truth value', () => {
    const names = fc
      .string({ minLength: 1 })
      .filter((name) => !/^(level|time|node|msg|__proto__)$/.test(name));
    const values = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.dictionary(names, values), (message, fields) => {
        const line = formatLogLine('{"level":"info"', message, fields);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual({ level: 'info', ...fields, msg: message });
      }),
    );
  });

  test('leaves out undefined fields', () => {
    expect(format('x', { a: undefined })).toEqual({ level: 'info', msg: 'x' });
  });

  test('has the message and stack of an error and its causes, and its own fields, also inside a field', () => {
    const cause = new Error('ENOSPC');
    const error = new CodedError('disk_full', 'no room', { fields: { file: 'a' }, cause });
    cause.cause = error;
    const described = {
      type: 'CodedError',
      message: 'no room: ENOSPC',
      stack: expect.stringMatching(
        /^CodedError: no room\n.*log-line\.test\.ts.*\ncaused by: Error: ENOSPC\n/s,
      ),
      code: 'disk_full',
      fields: { file: 'a' },
    };
    expect(format('x', { error })).toMatchObject({ error: described });
    expect(format('x', { errors: [error] })).toMatchObject({ errors: [described] });
  });

  test('has objects, lists and big integers', () => {
    expect(format('x', { a: { b: [1n] } })).toEqual({ level: 'info', a: { b: ['1'] }, msg: 'x' });
  });

  test('renames a field that every line has', () => {
    expect(format('x', { level: 1, msg: 2 })).toEqual({ level: 'info', level_: 1, msg_: 2, msg: 'x' });
  });

  test('is written without a field that refers to itself', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(format('x', { loop })).toMatchObject({
      msg: 'x',
      unwritable: expect.stringContaining('circular'),
    });
  });
});
