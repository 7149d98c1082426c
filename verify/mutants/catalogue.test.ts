import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { CATALOGUE, WITHOUT_MUTANT } from './catalogue.ts';
import { mutated } from './mutant.ts';
import { TypeCheck } from './validity.ts';

const TRAPS = fs.readFileSync(path.join(PROJECT_ROOT, 'docs', 'raft-traps.md'), 'utf8');
const ROWS = [...TRAPS.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
const MIN_MUTANTS = 30;
const types = new TypeCheck(PROJECT_ROOT);

describe('the catalogue of mutants', () => {
  test.each(CATALOGUE.map((mutant) => [mutant.id, mutant] as const))(
    '%s applies to the source, and compiles',
    (_, mutant) => {
      const text = fs.readFileSync(path.join(PROJECT_ROOT, mutant.file), 'utf8');
      expect(mutated(mutant, text)).not.toBe(text);
      expect(() => types.check(mutant)).not.toThrow();
    },
  );

  test(`has at least ${MIN_MUTANTS} mutants, each with a unique id in kebab-case and a sentence`, () => {
    expect(CATALOGUE.length).toBeGreaterThanOrEqual(MIN_MUTANTS);
    expect(new Set(CATALOGUE.map(({ id }) => id)).size).toBe(CATALOGUE.length);
    for (const { id, bug } of CATALOGUE) {
      expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
      expect(bug).toMatch(/^[A-Z].+\.$/);
    }
  });

  test('has a mutant for every trap, or the reason why there is none', () => {
    expect(ROWS).toHaveLength(36);
    const missing = ROWS.filter(
      (row) => !CATALOGUE.some(({ subject }) => subject === row) && !WITHOUT_MUTANT.has(row),
    );
    expect(missing).toEqual([]);
    for (const row of WITHOUT_MUTANT.keys())
      expect(CATALOGUE.map(({ subject }) => subject)).not.toContain(row);
  });

  test('names only traps that exist', () => {
    const numbers = CATALOGUE.map(({ subject }) => subject).filter((subject) => typeof subject === 'number');
    for (const number of numbers) expect(ROWS).toContain(number);
  });
});
