import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Command, decodeCommand, encodeCommand } from './command.ts';
import { filamentOf, printerNamed, printJobOf, SOME_TIME_MS, statusOf } from './test-commands.ts';

const EXAMPLES: readonly Command[] = [
  { atMs: SOME_TIME_MS, action: printerNamed('p') },
  { atMs: 0, action: filamentOf('\u{1f9f5}', 1_000, 0), idempotency: { key: 'k', fingerprint: 'f' } },
  { atMs: SOME_TIME_MS, action: printJobOf('7', 1) },
  { atMs: SOME_TIME_MS, action: statusOf('__proto__', 'Canceled') },
];

function decodeText(text: string): Command | undefined {
  return decodeCommand(new TextEncoder().encode(text));
}

test.each(EXAMPLES)('a command comes back as it went: $action.kind', (command) => {
  expect(decodeCommand(encodeCommand(command))).toEqual(command);
});

test('bytes that are no command decode to nothing, and never throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeCommand(bytes) === undefined));
  fc.assert(fc.property(fc.json(), (text) => decodeText(text) === undefined));
  expect(decodeCommand(new Uint8Array([0xff, 0xfe]))).toBeUndefined();
  expect(decodeText('['.repeat(100_000))).toBeUndefined();
});

test('a command with one value of a wrong kind, anywhere, decodes to nothing', () => {
  const wrong = [null, true, 1.5, -1, 1e300, '', 'x\n', {}, [], 'x'.repeat(5_000)];
  for (const command of EXAMPLES) {
    for (const path of leafPaths(command)) {
      for (const value of wrong) {
        const text = JSON.stringify(withValue(command, path, value));
        expect(decodeText(text), `${path.join('.')} = ${JSON.stringify(value)}`).toBeUndefined();
      }
    }
  }
});

test('what is left on a new spool is at most its total, and a spool and a job weigh something', () => {
  for (const action of [filamentOf('f', 5, 6), filamentOf('f', 0), printJobOf('j', 0)]) {
    expect(decodeCommand(encodeCommand({ atMs: 0, action }))).toBeUndefined();
  }
});

function leafPaths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([field, inner]) => leafPaths(inner, [...path, field]));
}

function withValue(target: unknown, [field, ...rest]: readonly string[], value: unknown): unknown {
  if (field === undefined) return value;
  const object = target as Record<string, unknown>;
  return { ...object, [field]: withValue(object[field], rest, value) };
}
