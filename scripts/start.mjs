// `npm start`: builds when needed, then runs a cluster of three nodes on this machine.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { requireNode } from './node-version.mjs';

requireNode();
const { status } = spawnSync(fileURLToPath(new URL('build-if-needed.sh', import.meta.url)), {
  stdio: 'inherit',
});
if (status === 0) await import('../dist/server/local-cluster.js');
else process.exitCode = 1;
