import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type SourceFile, sourceFiles } from '../../verify/kit/source-files.ts';
import { type Export, exportsOf } from './exports-of.ts';

const PACKAGE = JSON.parse(fs.readFileSync(path.join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
};
/** Exports that a tool calls by their names. */
const CALLED_BY_TOOLS = ['verify/kit/build-first.ts setup'];
/** Files that users of the package import: `./dist/client/client.js` comes from `src/client/client.ts`. */
const ENTRIES = Object.values(PACKAGE.exports).map((entry) =>
  entry.default.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts'),
);
const EXPORTS = exportsOf(sourceFiles(['src', 'test', 'verify'], ['.ts']));

function isTestCode(file: string): boolean {
  return !file.startsWith('src/') || file.includes('/testing/') || file.endsWith('.test.ts');
}

function describeExport({ file, name }: Export): string {
  return `${file} ${name}`;
}

function isPublic(one: Export): boolean {
  return ENTRIES.includes(one.file) || CALLED_BY_TOOLS.includes(describeExport(one));
}

function isUnused(one: Export): boolean {
  return one.users.size === 0 && !isPublic(one);
}

/**
 * True for product code that is exported for tests alone, where no comment gives the reason. Bounds (`MAX_…`)
 * need no reason, nor do types that another declaration of their file uses.
 */
function isForTestsUnsaid(one: Export): boolean {
  const { file, name, users, isForTests, isTypeInUse } = one;
  if (isTestCode(file) || isForTests || isTypeInUse || isPublic(one) || name.startsWith('MAX_')) return false;
  return users.size > 0 && [...users].every(isTestCode);
}

/** True where a comment says `For tests: …` of an export that product code uses, or of test code. */
function isForTestsUntrue({ file, users, isForTests }: Export): boolean {
  return isForTests && (isTestCode(file) || [...users].some((user) => !isTestCode(user)));
}

function offenders(exports: readonly Export[], isOffender: (one: Export) => boolean): string[] {
  return exports.filter(isOffender).map(describeExport);
}

describe('an export', () => {
  test('is used by another file', () => {
    expect(offenders(EXPORTS, isUnused)).toEqual([]);
  });

  test('in product code is used by product code, or its comment says `For tests: …` and why', () => {
    expect(offenders(EXPORTS, isForTestsUnsaid)).toEqual([]);
  });

  test('whose comment says `For tests: …` is product code that only tests use', () => {
    expect(offenders(EXPORTS, isForTestsUntrue)).toEqual([]);
  });

  test('is public where package.json says so', () => {
    expect(EXPORTS.map(({ file }) => file)).toEqual(expect.arrayContaining(ENTRIES));
  });

  test('the check itself finds unused exports and exports for tests', () => {
    const file = (name: string, text: string): SourceFile => ({ name, text });
    const exports = exportsOf([
      file(
        'src/a.ts',
        `export const UNUSED = 1;
        export const { used, tested: [bound] } = make();
        /** For tests: they fill it. */
        export const MARKED = 2;
        /** For tests: no longer. */
        export interface Shared {}
        export function onlyTested() {}
        export class Overall {}
        export type Named = 1;
        export type InUse = 2;
        export const MAX_SIZE: InUse = 2;
        const quiet = 3;
        export { quiet as loud };`,
      ),
      file('src/b.ts', "import { used as renamed, type Shared } from './a.ts';"),
      file('src/a.test.ts', "import { bound, type InUse, MARKED, MAX_SIZE } from './a.ts';"),
      file('src/testing/c.ts', "const { onlyTested: one, Overall } = await import('../a.ts');"),
      file('test/d.ts', "type D = import('../src/a.ts').Named; export { loud } from '../src/a.ts';"),
      file('verify/e.ts', "import * as d from '../test/d.ts'; export enum Dead {}"),
    ]);
    expect(offenders(exports, isUnused)).toEqual(['src/a.ts UNUSED', 'verify/e.ts Dead']);
    expect(offenders(exports, isForTestsUnsaid)).toEqual(
      ['bound', 'onlyTested', 'Overall', 'Named', 'loud'].map((name) => `src/a.ts ${name}`),
    );
    expect(offenders(exports, isForTestsUntrue)).toEqual(['src/a.ts Shared']);
  });
});
