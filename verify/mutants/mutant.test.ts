import { describe, expect, test } from 'vitest';
import { type Mutant, mutated } from './mutant.ts';

const MUTANT: Mutant = {
  id: 'off-by-one',
  subject: 'farm',
  file: 'src/farm/x.ts',
  edits: [
    { find: 'a < b', replace: 'a <= b' },
    { find: 'return 1', replace: 'return $& 2' },
  ],
  bug: 'One too many.',
};

describe('a mutant', () => {
  test('replaces its texts literally, and nothing else', () => {
    expect(mutated(MUTANT, 'if (a < b) return 1; // a > b')).toBe('if (a <= b) return $& 2; // a > b');
  });

  test.each(['return 1', 'a < b; a < b; return 1'])(
    'is refused where its text does not occur exactly once: %s',
    (text) => {
      expect(() => mutated(MUTANT, text)).toThrow(/mutant off-by-one is outdated/);
    },
  );
});
