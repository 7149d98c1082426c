// Tests that only root can run. Other users see them skipped with the reason, and `npm test` lists them.

import { test } from 'vitest';

const IS_ROOT = process.getuid?.() === 0;

/** Returns `test` for root. For other users the test is skipped and its name ends with the reason. */
export function testAsRoot(to: string): (name: string, body: () => Promise<void>) => void {
  return (name, body) => test.skipIf(!IS_ROOT)(IS_ROOT ? name : `${name} [needs root to ${to}]`, body);
}
