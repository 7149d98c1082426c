import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filamentOf, printerNamed, printJobOf, SOME_TIME_MS, statusOf } from '../testing/commands.ts';
import { type Command, decodeCommand, encodeCommand } from './command.ts';

const EXAMPLES: readonly Command[] = [
  { atMs: SOME_TIME_MS, action: printerNamed('p') },
  { atMs: 0, action: filamentOf('\u{1f9f5}', 1_000, 0), idempotency: { key: 'k', fingerprint: 'f' } },
  { atMs: SOME_TIME_MS, action: printJobOf('7', 1) },
  { atMs: SOME_TIME_MS, action: statusOf('__proto__', 'Canceled') },
];

function decodeText(text: string): Command | undefined {
  return decodeCommand(new TextEncoder().encode(text));
}

test.each(EXAMPLES)('a command decodes to the one that was encoded: $action.kind', (command) => {
  expect(decodeCommand(encodeCommand(command))).toEqual(command);
});

test('the encoding is on disks and never changes', () => {
  const texts = EXAMPLES.map((command) => new TextDecoder().decode(encodeCommand(command)));
  expect(texts).toEqual([
    '[1700000000000,["p","p","Prusa","MK4"]]',
    '[0,["f","\u{1f9f5}","PLA","Red",1000,0],["k","f"]]',
    '[1700000000000,["j","7","p","f","/models/benchy.gcode",1]]',
    '[1700000000000,["s","__proto__","Canceled"]]',
  ]);
});

test('bytes that are not a command decode to undefined, and never throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeCommand(bytes) === undefined));
  fc.assert(fc.property(fc.json(), (text) => decodeText(text) === undefined));
  expect(decodeCommand(new Uint8Array([0xff, 0xfe]))).toBeUndefined();
  expect(decodeText('['.repeat(100_000))).toBeUndefined();
});

test('a command with one value of a wrong kind decodes to undefined', () => {
  const wrong = [null, true, 1.5, -1, 1e300, '', 'x\n', {}, [], 'x'.repeat(5_000)];
  for (const command of EXAMPLES) {
    for (const path of leafPaths(command)) {
      for (const value of wrong) {
        const wronged = withValue(command, path, value) as Command;
        if (path.at(-1) === 'kind') continue;
        expect(
          decodeCommand(encodeCommand(wronged)),
          `${path.join('.')} = ${JSON.stringify(value)}`,
        ).toBeUndefined();
      }
    }
  }
});

test('a command with missing or additional values, or of an unknown kind, decodes to undefined', () => {
  for (const command of EXAMPLES) {
    const parts = JSON.parse(new TextDecoder().decode(encodeCommand(command))) as unknown[];
    const [atMs, fields, claim] = parts as [number, unknown[], unknown[] | undefined];
    const wrong = [
      [atMs],
      [atMs, fields, ['k', 'f'], 0],
      [atMs, fields.slice(0, -1), ...parts.slice(2)],
      [atMs, [...fields, 'x'], ...parts.slice(2)],
      [atMs, ['x', ...fields.slice(1)], ...parts.slice(2)],
      [atMs, fields, (claim ?? ['k']).slice(0, 1)],
      [atMs, fields, ['k', 'f', 'x']],
      { atMs, action: fields },
    ];
    expect(decodeText(JSON.stringify(parts))).toEqual(command);
    for (const value of wrong)
      expect(decodeText(JSON.stringify(value)), JSON.stringify(value)).toBeUndefined();
  }
});

test('a new spool has at most its total left, and the weights of spools and jobs are positive', () => {
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
