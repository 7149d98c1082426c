// Compiles src/ to dist/, and bundles the program of a node into one file there.
//
// Each build works in a directory of its own, which becomes dist/ at its end. A build that fails or is killed
// therefore leaves dist/ as it was, and several builds may run at once.

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleNode } from './bundle-node.mjs';
import { requireNode } from './node-version.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const DIST = path.join(ROOT, 'dist');
const COMPILER = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
/** As deep in the tree as dist/, so that the relative paths in source maps hold in dist/ too. */
const WORK_PREFIX = '.build-';
/** A build takes seconds: an older directory was left behind by a build that was killed. */
const MAX_BUILD_MS = 10 * 60_000;
/** Another build can put its result in place between two steps of this one, but hardly so often. */
const MAX_SWAPS = 10;

/** Returns false, with the reason on stderr, when there is nothing new in dist/. */
export async function build() {
  requireNode();
  if (!fs.existsSync(path.join(ROOT, 'node_modules'))) {
    return complain(`the packages are not installed: run \`npm ci\` in ${ROOT}`);
  }
  if (!fs.existsSync(COMPILER)) {
    return complain(`dist/ cannot be built without the compiler: run \`npm ci --include=dev\` in ${ROOT}`);
  }
  const work = path.join(ROOT, `${WORK_PREFIX}${randomUUID()}`);
  try {
    removeLeftovers();
    fs.mkdirSync(work);
    const begun = fs.statSync(work).mtime;
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      [COMPILER, '-p', 'tsconfig.build.json', '--outDir', work, '--pretty', 'false'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (status !== 0) {
      return complain(`the build failed:\n${error ? error.message : `${stdout}${stderr}`.trim()}`);
    }
    await bundleNode({ root: ROOT, directory: work });
    putInPlace(work, begun);
    return true;
  } catch (error) {
    return complain(`cannot build in ${ROOT}: ${error.message}`);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function complain(message) {
  console.error(`raft3d: ${message}`);
  return false;
}

/**
 * Gives dist/ the content of `work`, and the start of the build as modification time. build-if-needed.sh
 * compares the sources with that time.
 */
function putInPlace(work, begun) {
  fs.utimesSync(work, begun, begun);
  const replaced = `${work}-replaced`;
  for (let swaps = 0; !moved(work, DIST); swaps++) {
    // Another build may have made the same dist/, which nodes may be loading: it stays, without any gap.
    if (spawnSync('diff', ['-rq', work, DIST]).status === 0) {
      fs.utimesSync(DIST, begun, begun);
      return;
    }
    if (swaps === MAX_SWAPS) throw new Error('other builds replace dist/ all the time');
    moved(DIST, replaced);
    fs.rmSync(replaced, { recursive: true, force: true });
  }
}

/** False when there is a directory at `to`, or none at `from`. */
function moved(from, to) {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) return false;
    throw error;
  }
}

function removeLeftovers() {
  for (const name of fs.readdirSync(ROOT)) {
    const directory = path.join(ROOT, name);
    const changed =
      name.startsWith(WORK_PREFIX) && fs.statSync(directory, { throwIfNoEntry: false })?.mtimeMs;
    if (changed && Date.now() - changed > MAX_BUILD_MS)
      fs.rmSync(directory, { recursive: true, force: true });
  }
}

if (fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = (await build()) ? 0 : 1;
}
