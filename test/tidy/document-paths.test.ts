import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';

interface Document {
  /** From the project's root. */
  readonly name: string;
  readonly text: string;
}

const TRAPS = 'docs/raft-traps.md';
/** Printed by a program, which shortens the names of tests. */
const GENERATED = 'docs/mutants.md';
const FOLDERS = ['src', 'test', 'verify', 'scripts', 'docs', '.ci'];
const DOCUMENTS: readonly Document[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...fs
    .readdirSync(path.join(PROJECT_ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: fs.readFileSync(path.join(PROJECT_ROOT, name), 'utf8') }));
/** Every file and folder of the repository, with a slash before it: `/src/farm/apply.ts`. */
const PATHS = [
  ...fs.readdirSync(PROJECT_ROOT),
  ...FOLDERS.flatMap((folder) =>
    fs
      .readdirSync(path.join(PROJECT_ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`),
  ),
].map((name) => `/${name}`);

/** Words in backticks that look like a file or a folder of the repository. */
function namedPaths({ text }: Document): string[] {
  const withoutBlocks = text.replace(/^```.*?^```/gms, '');
  const words = [...withoutBlocks.matchAll(/`([^`\s]+)`/g)].map(([, word = '']) => word.replace(/^\.\//, ''));
  return words.filter(looksLikePath);
}

function looksLikePath(word: string): boolean {
  if (!/^[\w.*/-]+$/.test(word)) return false;
  return (
    FOLDERS.some((folder) => word.startsWith(`${folder}/`)) || /[\w*]\.(?:ts|mjs|sh|lua|wat|md)$/.test(word)
  );
}

/** A path starts at the root or ends one, as `member-changes.ts` does. `*` stands for any part of a name. */
function exists(word: string): boolean {
  const name = word.replace(/\/$/, '');
  const pattern = name.replaceAll('.', '\\.').replaceAll('*', '[^/]*');
  const isFromRoot = FOLDERS.some((folder) => name.startsWith(`${folder}/`));
  const wanted = new RegExp(`${isFromRoot ? '^' : ''}/${pattern}$`);
  return PATHS.some((one) => wanted.test(one));
}

function brokenLinks({ name, text }: Document): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !fs.existsSync(path.join(PROJECT_ROOT, path.dirname(name), target)))
    .map((target) => `${name} links to ${target}`);
}

function missingPaths(document: Document): string[] {
  return namedPaths(document)
    .filter((word) => !exists(word))
    .map((word) => `${document.name} names ${word}`);
}

/** Test names that a table quotes behind their file: | `log.test.ts` 'a claim …', 'another' |. */
function unknownClaims({ name, text }: Document): string[] {
  const cells = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .flatMap((line) => line.split('|'));
  return cells.flatMap((cell) => {
    let tests: readonly string[] = [];
    return [...cell.matchAll(/`([^`]+)`|(?<=[\s(])'([^']+)'/g)].flatMap(([, file, claim]) => {
      if (file !== undefined) tests = file.endsWith('.test.ts') ? textsOf(file) : [];
      if (claim === undefined || tests.length === 0 || tests.some((one) => hasClaim(one, claim))) return [];
      return [`${name} quotes '${claim}'`];
    });
  });
}

/** Names that a document places in a file: `maybeCommit` in `commit.ts`. Traps place them behind the file. */
function unknownNames({ name, text }: Document): string[] {
  const placed = [...text.matchAll(/`(#?\w+)` in\s+`([\w./-]+\.ts)`/g)].map(([, one = '', file = '']) => ({
    one,
    file,
  }));
  const following = [...text.matchAll(/`([\w./-]+\.ts)`((?:,? `#?\w+`)+)/g)].flatMap(
    ([, file = '', names = '']) =>
      name === TRAPS ? [...names.matchAll(/`(#?\w+)`/g)].map(([, one = '']) => ({ one, file })) : [],
  );
  return [...placed, ...following]
    .filter(
      ({ one, file }) => !textsOf(file).some((content) => new RegExp(`(?<!\\w)${one}(?!\\w)`).test(content)),
    )
    .map(({ one, file }) => `${name} places ${one} in ${file}`);
}

function textsOf(file: string): string[] {
  return PATHS.filter((one) => one.endsWith(`/${file}`)).map((one) =>
    fs.readFileSync(path.join(PROJECT_ROOT, one), 'utf8'),
  );
}

/** `…` stands for any text. */
function hasClaim(text: string, claim: string): boolean {
  let at = 0;
  for (const part of claim.split('…').map((one) => one.trim())) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}

describe('the documents', () => {
  test('name only files that exist', () => {
    expect(DOCUMENTS.flatMap(missingPaths)).toEqual([]);
  });

  test('link only to files that exist', () => {
    expect(DOCUMENTS.flatMap(brokenLinks)).toEqual([]);
  });

  test('quote only tests that exist', () => {
    const written = DOCUMENTS.filter(({ name }) => name !== GENERATED);
    expect(written.flatMap(unknownClaims)).toEqual([]);
  });

  test('place names in the files that have them', () => {
    expect(DOCUMENTS.flatMap(unknownNames)).toEqual([]);
  });

  test('the check itself finds missing files, broken links, unknown tests and names', () => {
    const text = [
      '`src/farm/apply.ts`, `src/farm/nothing.ts`, `src/farm/*.test.ts`, `src/farm/x-*.ts`, `apply.ts`,',
      '`src/nowhere/`, `test/tidy`, `files.test.ts`, `./scripts/build.mjs`, `none.sh`, `farm/apply.ts`,',
      '`npm run sim`, `POST /join`, `data.mdb`, `a.b`, [one](../README.md), [two](three.md#four), [five](https://x)',
      '```\n`src/in-a-block.ts`\n```',
    ].join('\n');
    const document = { name: 'docs/x.md', text };
    expect(missingPaths(document)).toEqual(
      ['src/farm/nothing.ts', 'src/farm/x-*.ts', 'src/nowhere/', 'none.sh'].map(
        (word) => `docs/x.md names ${word}`,
      ),
    );
    expect(brokenLinks(document)).toEqual(['docs/x.md links to three.md']);
    const missing = ['an', 'unknown', 'claim'].join(' ');
    const row = `| 'no test' | \`document-paths.test.ts\` 'name only files … exist', '${missing}' | \`a\` 'b' |`;
    expect(unknownClaims({ name: 'docs/x.md', text: row })).toEqual([`docs/x.md quotes '${missing}'`]);
    const places = `\`unknownNames\` in \`document-paths.test.ts\`, \`${missing.replaceAll(' ', '')}\` in \`comments-of.ts\``;
    expect(unknownNames({ name: 'docs/x.md', text: places })).toHaveLength(1);
    const traps = '`comments-of.ts` `commentsOf`, `nothingOf`: x; `test/tidy/circles.ts` `circlesOf`';
    expect(unknownNames({ name: TRAPS, text: traps })).toEqual([
      `${TRAPS} places nothingOf in comments-of.ts`,
    ]);
  });
});
