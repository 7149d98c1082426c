import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type SourceFile, sourceFiles } from '../../verify/kit/source-files.ts';
import { parse } from './imports-of.ts';
import { readRoomTable, roomOf } from './room-table.ts';

const ROOMS = readRoomTable(fs.readFileSync(path.join(PROJECT_ROOT, 'ARCHITECTURE.md'), 'utf8'));
const PURE_ROOMS = ROOMS.filter(({ isPure }) => isPure).map(({ name }) => name);

/** Globals of the language and its hosts that differ from run to run. `Math.random` has its own check. */
const IMPURE_NAMES = new Set(
  [
    'Date Intl performance crypto process Buffer console require globalThis fetch',
    'setTimeout setInterval setImmediate queueMicrotask clearTimeout clearInterval clearImmediate',
  ].flatMap((line) => line.split(' ')),
);

/** Returns the names that the file declares: `process` may be a parameter. */
function declaredIn(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declares = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node);
    if (declares && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

function impuritiesOf(file: SourceFile): string[] {
  const found: string[] = [];
  const source = parse(file);
  const own = declaredIn(source);
  const visit = (node: ts.Node): void => {
    // The name of a member, a property or a declaration refers to no global.
    const isOwnName = (node.parent as { name?: ts.Node }).name === node;
    const isImpure = ts.isIdentifier(node) && IMPURE_NAMES.has(node.text) && !own.has(node.text);
    if (isImpure && !isOwnName) {
      found.push(describeAt(source, node));
    }
    if (ts.isPropertyAccessExpression(node) && node.getText(source) === 'Math.random') {
      found.push(describeAt(source, node));
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return found;
}

function describeAt(source: ts.SourceFile, node: ts.Node): string {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return `${source.fileName}:${line + 1} ${node.getText(source)}`;
}

describe('the pure rooms', () => {
  test('the table marks the core, the farm, the codec and the node as pure', () => {
    expect(PURE_ROOMS).toEqual(
      expect.arrayContaining(
        ['state', 'farm', 'engines/raft/core', 'engines/raft/codec', 'engines/raft/node'].map(
          (name) => `src/${name}`,
        ),
      ),
    );
  });

  test.each(PURE_ROOMS)('%s has no clock, no timer, no randomness and no process', (room) => {
    const files = sourceFiles([room], ['.ts']).filter(
      ({ name }) => !name.endsWith('.test.ts') && roomOf(ROOMS, name)?.name === room,
    );
    expect(files.flatMap(impuritiesOf)).toEqual([]);
  });

  test('the check itself finds randomness, clocks and timers', () => {
    const text =
      'const a = Math.random();\nconst b = { Date: 1 }.Date + Date.now();\nsetTimeout(() => {}, 1);';
    expect(impuritiesOf({ name: 'x.ts', text })).toEqual([
      'x.ts:1 Math.random',
      'x.ts:2 Date',
      'x.ts:3 setTimeout',
    ]);
  });
});
