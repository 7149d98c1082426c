// Before any end-to-end test: dist/ must come from the sources at hand, for it is what the tests start.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { PROJECT_ROOT } from './project-root.ts';

export function setup(): void {
  const { status } = spawnSync(process.execPath, [path.join(PROJECT_ROOT, 'scripts', 'build.mjs')], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the build failed: nothing to test end to end');
}
