import path from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { launcherFlags, readCheckout } from './checkout.ts';

test("a launcher's line that starts the program may hold the flags for Node.js", () => {
  const launcher = 'set -e\nexec node --one=1 --two "$root/dist/server/main.js" "$@"\n';
  expect(launcherFlags(launcher)).toEqual(['--one=1', '--two']);
});

test('a launcher may give Node.js no flags', () => {
  expect(launcherFlags('set -e\nexec node "$root/dist/server/main.js" "$@"\n')).toEqual([]);
  expect(launcherFlags('echo dist/server/main.js\n')).toBeUndefined();
});

test('a checkout that is not built is refused', async () => {
  await expect(readCheckout(path.join(PROJECT_ROOT, 'docs'))).rejects.toThrow('node scripts/build.mjs');
});
