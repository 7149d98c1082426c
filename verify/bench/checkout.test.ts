import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { launcherFlags, readCheckout } from './checkout.ts';

test("the launcher's line that starts the program holds the flags for Node.js", () => {
  expect(launcherFlags(fs.readFileSync(path.join(PROJECT_ROOT, 'raft3d'), 'utf8'))).toEqual(NODE_FLAGS);
});

test('a launcher may give Node.js no flags', () => {
  expect(launcherFlags('set -e\nexec node "$root/dist/server/main.js" "$@"\n')).toEqual([]);
  expect(launcherFlags('echo dist/server/main.js\n')).toBeUndefined();
});

test('a checkout that is not built is refused', async () => {
  await expect(readCheckout(path.join(PROJECT_ROOT, 'docs'))).rejects.toThrow('node scripts/build.mjs');
});
