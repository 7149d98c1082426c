// In dist/ it is server/run-node.js: runs the node's program from one file, with the code that V8 made of it at build time.
// Another Node than that of the build, or other flags, refuse that code: the program is compiled then, as any other.

import fs from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

const filename = path.join(import.meta.dirname, 'run-node-bundle.cjs');
const require = createRequire(filename);
/** Node looks for source maps of modules only, and a Node that does not say whether it does is an older one. */
const isPlainModule = process.sourceMapsEnabled ?? true;
const script = isPlainModule ? undefined : compile();

/** What V8 made of the program so far: for the build. */
export const createCachedData = () => script?.createCachedData() ?? new Uint8Array();
export const { runNode } = script === undefined ? require(filename) : run();

function compile() {
  const source = Module.wrap(fs.readFileSync(filename, 'utf8'));
  const cache = `${filename}.cache`;
  return new vm.Script(source, {
    filename,
    cachedData: fs.existsSync(cache) ? fs.readFileSync(cache) : undefined,
  });
}

function run() {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename, import.meta.dirname);
  return module.exports;
}
