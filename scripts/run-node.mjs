// In dist/ it is server/run-node.js: runs the node's program from one file, with the code that V8 made of it at build time.
// Another Node than that of the build, or other flags, refuse that code: the program is compiled then, as any other.

import fs from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

const file = path.join(import.meta.dirname, 'run-node-bundle.cjs');
/** What stack traces call it. V8's code has the name that it was made under: the build says where the file will be. */
const filename = new URL(import.meta.url).searchParams.get('filename') ?? file;
const require = createRequire(file);
/** Node looks for source maps of modules only, and a Node that does not say whether it does is an older one. */
const isPlainModule = process.sourceMapsEnabled ?? true;
const script = isPlainModule ? undefined : compile();

/** What V8 made of the program so far: for the build. */
export const createCachedData = () => script?.createCachedData() ?? new Uint8Array();
export const { runNode } = script === undefined ? require(file) : run();

function compile() {
  const source = Module.wrap(fs.readFileSync(file, 'utf8'));
  const cache = `${file}.cache`;
  return new vm.Script(source, {
    filename,
    cachedData: fs.existsSync(cache) ? fs.readFileSync(cache) : undefined,
  });
}

function run() {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, file, import.meta.dirname);
  return module.exports;
}
