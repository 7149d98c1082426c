// `npm start`: builds when needed, then runs a cluster of three nodes on this machine.

import { build } from './build.mjs';

if (await build()) {
  await import('../dist/server/local-cluster.js');
} else {
  process.exitCode = 1;
}
