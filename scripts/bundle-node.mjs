// Puts the node's program, packages and all, into one file: some 400 modules cost a node most of its start otherwise. V8's
// code for it is kept beside it, which costs less than a third of the rest. Other programs of dist/ stay as the compiler
// wrote them.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Native, and finds its binaries by where it lies. */
const NOT_BUNDLED = ['lmdb'];
/** What a CommonJS module has in place of `import.meta.url`. */
const URL_OF_MODULE = "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;";
/** One endless line would make a stack trace without source maps, and a crash's excerpt, unreadable. */
const LINE_CHARACTERS = 120;

/**
 * Writes `<directory>/server/run-node.js`, the bundle that it runs, its source map and its code, as they will stand in
 * `<root>/dist`.
 */
export async function bundleNode({ root, directory }) {
  const { build } = await import('esbuild');
  const final = path.join(root, 'dist', 'server');
  const server = path.join(directory, 'server');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { 'run-node-bundle': 'src/server/run-node.ts' },
    outdir: final,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    // In CommonJS, since V8's code of a module in ESM cannot be given back to it.
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: NOT_BUNDLED,
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: URL_OF_MODULE },
    // Names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: LINE_CHARACTERS,
    legalComments: 'none',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'silent',
    write: false,
  });
  // The paths in the maps count from where the files will be.
  for (const { path: file, contents } of outputFiles) {
    fs.writeFileSync(path.join(server, path.relative(final, file)), contents);
  }
  fs.copyFileSync(path.join(root, 'scripts', 'run-node.mjs'), path.join(server, 'run-node.js'));
  fs.rmSync(path.join(server, 'run-node.js.map'), { force: true });
  await keepCode(server, path.join(final, 'run-node-bundle.cjs'));
}

/** V8 takes code back under the same flags only. A start without it is slower, and nothing else. `filename`: of the bundle. */
async function keepCode(server, filename) {
  const { NODE_FLAGS } = await import(pathToFileURL(path.join(server, 'node-flags.js')).href);
  const program = pathToFileURL(path.join(server, 'run-node.js'));
  program.searchParams.set('filename', filename);
  const file = path.join(server, 'run-node-bundle.cjs.cache');
  const script = `import fs from 'node:fs';
    import { createCachedData } from ${JSON.stringify(program.href)};
    fs.writeFileSync(${JSON.stringify(file)}, createCachedData());
    process.exit();`;
  const { status, stderr } = spawnSync(
    process.execPath,
    [...NODE_FLAGS, '--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the program does not load: ${stderr}`);
}
