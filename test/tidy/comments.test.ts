import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type SourceFile, sourceFiles } from '../../verify/kit/source-files.ts';
import { type Comment, commentsOf } from './comments-of.ts';

const MAX_COLUMNS = 110;
const ROOT_FILES = [
  'raft3d',
  'reset_data.sh',
  'run_raft_cluster.sh',
  'test_scenarios.sh',
  'vitest.config.ts',
];
/** Words that put a clause where the subject should stand. A comment starts with a verb or a noun phrase. */
const OPENING = /^(?:Who|Whoever|Whom|Whose|What|Of|Nobody|None)\b/;

const FILES: readonly SourceFile[] = [
  ...sourceFiles(['src', 'test', 'verify', 'scripts'], ['.ts', '.mjs', '.sh', '.lua', '.wat']),
  ...ROOT_FILES.map((name) => ({ name, text: fs.readFileSync(path.join(PROJECT_ROOT, name), 'utf8') })),
];
const COMMENTED = FILES.map(withComments);

interface CommentedFile {
  readonly name: string;
  readonly comments: readonly Comment[];
}

function withComments(file: SourceFile): CommentedFile {
  return { name: file.name, comments: commentsOf(file) };
}

function badOpenings({ name, comments }: CommentedFile): string[] {
  return comments
    .filter(({ text }) => OPENING.test(text))
    .map(({ line, text }) => `${name}:${line} ${text.slice(0, 60).replaceAll('\n', ' ')}`);
}

function wideLines({ name, comments }: CommentedFile): string[] {
  return comments.flatMap(({ line, lines }) =>
    lines.flatMap((text, at) =>
      text.length > MAX_COLUMNS ? [`${name}:${line + at} has ${text.length} columns`] : [],
    ),
  );
}

describe('a comment', () => {
  test('starts with a verb or a noun phrase', () => {
    expect(COMMENTED.flatMap(badOpenings)).toEqual([]);
  });

  test(`has lines of at most ${MAX_COLUMNS} columns`, () => {
    expect(COMMENTED.flatMap(wideLines)).toEqual([]);
  });

  test('the check itself finds bad openings in comments of every kind', () => {
    const script = [
      '// What it is.',
      '// Who is the second line.',
      'const a = 1; // Whom it serves',
      'const b = 2; // None',
      '/** Whose it is. */',
      'const c = `$' + '{/* Of it */ 1} // Nobody`;',
      '/**',
      ' * Whoever calls.',
      ' * What follows.',
      ' */',
      'function d() {',
      '  // Nobody returns.',
      '}',
      "const e = '// What is no comment';",
      '// Offers and Whatever open with other words.',
    ].join('\n');
    expect(badOpenings(withComments({ name: 'x.ts', text: script }))).toEqual([
      'x.ts:1 What it is. Who is the second line.',
      'x.ts:3 Whom it serves',
      'x.ts:4 None',
      'x.ts:5 Whose it is.',
      'x.ts:6 Of it',
      'x.ts:7 Whoever calls. What follows.',
      'x.ts:12 Nobody returns.',
    ]);
    const shell = '#!/bin/sh\n# What it does,\n# Who does it.\necho "# What"\n  # Of all.\n';
    expect(badOpenings(withComments({ name: 'x.sh', text: shell }))).toEqual([
      'x.sh:2 What it does, Who does it.',
      'x.sh:5 Of all.',
    ]);
    expect(badOpenings(withComments({ name: 'raft3d', text: shell }))).toHaveLength(2);
    expect(badOpenings(withComments({ name: 'x.lua', text: 'x = 1\n-- What it is.' }))).toEqual([
      'x.lua:2 What it is.',
    ]);
    expect(badOpenings(withComments({ name: 'x.wat', text: '(module)\n;; None.' }))).toEqual([
      'x.wat:2 None.',
    ]);
  });

  test('the check itself finds lines that are too wide', () => {
    const wide = 'x'.repeat(MAX_COLUMNS);
    const text = `// a\n// ${wide}\nconst a = '${wide}';\n/**\n * b\n * ${wide} */\nlet b; // ${wide}`;
    expect(wideLines(withComments({ name: 'x.ts', text }))).toEqual([
      'x.ts:2 has 113 columns',
      'x.ts:6 has 116 columns',
      'x.ts:7 has 120 columns',
    ]);
  });
});
