// Compiles src/ to dist/, unless dist/ already comes from these very sources. Several may run at once.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleNode } from './bundle-node.mjs';
import { requireNode } from './node-version.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const DIST = path.join(ROOT, 'dist');
const STAMP = 'sources.sha256';
/** The launcher compares times with that of this file, and starts no build when no source is younger. */
const MARK = 'sources.compared';
/** File systems tell times apart to two seconds at worst. */
const TIME_GRAIN_S = 2;
const WORK = path.join(ROOT, '.build');
const COMPILER = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const CONFIGURATIONS = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/build.mjs',
  'scripts/bundle-node.mjs',
  'scripts/run-node.mjs',
];
/** Given to the process that `flock` starts: it holds the lock. */
const LOCKED = '--locked';

/** Builds when needed. Returns false, with the reason on stderr, when that is not possible. */
export async function build() {
  requireNode();
  if (!fs.existsSync(path.join(ROOT, 'node_modules'))) {
    return complain(`the packages are not installed: run \`npm ci\` in ${ROOT}`);
  }
  if (isUpToDate()) return true;
  if (!fs.existsSync(COMPILER)) {
    return complain(`the compiler is not installed: run \`npm ci --include=dev\` in ${ROOT}`);
  }
  return buildAlone();
}

/** One build at a time: the others wait, and find its result. The kernel frees the lock of a build that dies. */
async function buildAlone() {
  const command = [process.execPath, fileURLToPath(import.meta.url), LOCKED];
  const { status, error } = spawnSync('flock', [ROOT, ...command], { stdio: 'inherit' });
  // Not on Linux: two first starts at the same moment are on their own.
  if (error?.code === 'ENOENT') return isUpToDate() || (await compile());
  return status === 0;
}

function complain(message) {
  console.error(`raft3d: ${message}`);
  return false;
}

/** A digest of everything that the compiler reads of ours. */
function sourcesStamp() {
  const digest = createHash('sha256');
  const sources = fs
    .readdirSync(path.join(ROOT, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => path.join('src', name));
  for (const name of [...CONFIGURATIONS, ...sources.sort()]) {
    const content = fs.readFileSync(path.join(ROOT, name));
    digest.update(`${name}\0${content.length}\0`).update(content);
  }
  return digest.digest('hex');
}

function isUpToDate() {
  const mark = beginMark(DIST);
  try {
    const isSame = fs.readFileSync(path.join(DIST, STAMP), 'utf8') === sourcesStamp();
    if (isSame && mark !== undefined) fs.renameSync(mark, path.join(DIST, MARK));
    return isSame;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  } finally {
    if (mark !== undefined) fs.rmSync(mark, { force: true });
  }
}

/**
 * A file that is older than any change from now on, by the clock of the file system: begun before the sources are read,
 * and named MARK when they are found to be those of dist/. Undefined where it cannot be made: it only saves time.
 */
function beginMark(directory) {
  const file = path.join(directory, `${MARK}.${process.pid}`);
  try {
    fs.writeFileSync(file, '');
    const begun = fs.statSync(file).mtimeMs / 1_000 - TIME_GRAIN_S;
    fs.utimesSync(file, begun, begun);
    return file;
  } catch {
    // No dist/ yet, or one of somebody else's: the launcher asks here every time.
    return undefined;
  }
}

/** Compiles beside dist/ and swaps: a build that fails, or is killed, leaves dist/ as it was. */
async function compile() {
  const fresh = path.join(WORK, 'fresh');
  try {
    fs.rmSync(WORK, { recursive: true, force: true });
    fs.mkdirSync(WORK);
    const mark = beginMark(WORK);
    const stamp = sourcesStamp();
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      [COMPILER, '-p', 'tsconfig.build.json', '--outDir', fresh, '--pretty', 'false'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (status !== 0) {
      return complain(`the build failed:\n${error ? error.message : `${stdout}${stderr}`.trim()}`);
    }
    moveMaps(fresh);
    await bundleNode({ root: ROOT, directory: fresh });
    fs.writeFileSync(path.join(fresh, STAMP), stamp);
    if (mark !== undefined) fs.renameSync(mark, path.join(fresh, MARK));
    if (fs.existsSync(DIST)) fs.renameSync(DIST, path.join(WORK, 'stale'));
    fs.renameSync(fresh, DIST);
    return true;
  } catch (error) {
    return complain(`cannot build in ${ROOT}: ${error.message}`);
  } finally {
    fs.rmSync(WORK, { recursive: true, force: true });
  }
}

/** The compiler's maps name the sources as seen from `fresh`: they are to be right in dist/. */
function moveMaps(fresh) {
  for (const name of fs.readdirSync(fresh, { recursive: true })) {
    if (!name.endsWith('.js.map')) continue;
    const file = path.join(fresh, name);
    const map = JSON.parse(fs.readFileSync(file, 'utf8'));
    const inDist = path.dirname(path.join(DIST, name));
    map.sources = map.sources.map((source) =>
      path.relative(inDist, path.resolve(path.dirname(file), source)),
    );
    fs.writeFileSync(file, JSON.stringify(map));
  }
}

if (fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const isLocked = process.argv[2] === LOCKED;
  const done = isLocked ? isUpToDate() || (await compile()) : await build();
  process.exitCode = done ? 0 : 1;
}
