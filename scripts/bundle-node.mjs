// Puts the node's program, packages and all, into one file: some 400 modules cost a node most of its start otherwise.
// Other programs of dist/ stay as the compiler wrote them.

import fs from 'node:fs';
import path from 'node:path';

/** Native, and finds its binaries by where it lies. */
const NOT_BUNDLED = ['lmdb'];
/** Packages in CommonJS ask for Node's own modules by `require`, which a module has not by itself. */
const REQUIRE =
  "import { createRequire as createRequireOfNode } from 'node:module'; " +
  'const require = createRequireOfNode(import.meta.url);';

/** Writes `<directory>/server/main.js`, what it loads, and their source maps, as they will stand in `<root>/dist`. */
export async function bundleNode({ root, directory }) {
  const { build } = await import('esbuild');
  const final = path.join(root, 'dist', 'server');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'src/server/main.ts' },
    outdir: final,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-bundle',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: NOT_BUNDLED,
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'silent',
    write: false,
  });
  // The paths in the maps count from where the files will be.
  for (const { path: file, contents } of outputFiles) {
    fs.writeFileSync(path.join(directory, 'server', path.relative(final, file)), contents);
  }
}
