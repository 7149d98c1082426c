import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import type { Mutant } from './mutant.ts';
import { WorkingCopy } from './working-copy.ts';

const MUTANT: Mutant = {
  id: 'half-is-a-majority',
  subject: 9,
  file: 'src/engines/raft/core/quorum.ts',
  edits: [{ find: 'return Math.floor(count / 2) + 1;', replace: 'return 1;' }],
  bug: '',
};
let copy: WorkingCopy;

beforeAll(() => {
  copy = new WorkingCopy(PROJECT_ROOT);
});
afterAll(() => copy.remove());

function textIn(directory: string): string {
  return fs.readFileSync(path.join(directory, MUTANT.file), 'utf8');
}

test('a bug is put into the copy alone, and taken out again', () => {
  const original = textIn(PROJECT_ROOT);
  copy.apply(MUTANT);
  expect(textIn(copy.directory)).toContain('return 1;');
  expect(textIn(PROJECT_ROOT)).toBe(original);
  copy.revert();
  expect(textIn(copy.directory)).toBe(original);
});

test('the copy has the packages of the project, and nothing that is built or run', () => {
  expect(fs.existsSync(path.join(copy.directory, 'node_modules', 'vitest', 'package.json'))).toBe(true);
  for (const name of ['dist', '.git']) expect(fs.existsSync(path.join(copy.directory, name))).toBe(false);
});
