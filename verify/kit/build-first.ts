// Builds dist/ from the present sources before any end-to-end test, because the tests start the built
// program.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { PROJECT_ROOT } from './project-root.ts';

export function setup(): void {
  const { status } = spawnSync(path.join(PROJECT_ROOT, 'scripts', 'build-if-needed.sh'), {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the build failed: there is nothing to test end to end');
}
