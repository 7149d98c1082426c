import { describe, expect, test } from 'vitest';
import { type SourceFile, sourceFiles } from '../../verify/kit/source-files.ts';
import { circlesOf, type ImportGraph } from './circles.ts';
import { importsOf } from './imports-of.ts';

function graphOf(files: readonly SourceFile[]): ImportGraph {
  return new Map(
    files.map((file) => [
      file.name,
      importsOf(file)
        .filter(({ isRelative }) => isRelative)
        .map(({ target }) => target),
    ]),
  );
}

describe('imports', () => {
  test('form no circle, type imports included', () => {
    const circles = circlesOf(graphOf(sourceFiles(['src', 'verify', 'test'], ['.ts'])));
    expect(circles).toEqual([]);
  });

  test('the check itself finds circles of one, two and three files', () => {
    const file = (name: string, text: string): SourceFile => ({ name, text });
    const graph = graphOf([
      file('a/one.ts', "import { x } from './one.ts';"),
      file('a/two.ts', "import type { X } from './three.ts';"),
      file('a/three.ts', "export { y } from './two.ts';"),
      file('b/four.ts', "import '../b/five.ts'; import '../a/one.ts';"),
      file('b/five.ts', "import { six } from './six.ts';"),
      file('b/six.ts', "const four = await import('./four.ts');"),
      file('b/seven.ts', "import './four.ts'; import 'node:fs';"),
    ]);
    expect(circlesOf(graph).sort()).toEqual([
      ['a/one.ts'],
      ['a/three.ts', 'a/two.ts'],
      ['b/five.ts', 'b/four.ts', 'b/six.ts'],
    ]);
  });
});
