// The flags that Node.js is started with for a node. The launcher reads the same file.

import fs from 'node:fs';

const FILE = new URL('../../scripts/node-flags.txt', import.meta.url);

export const NODE_FLAGS: readonly string[] = fs
  .readFileSync(FILE, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('--'));
