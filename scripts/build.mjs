// Compiles src/ to dist/, unless dist/ already comes from these very sources. Several may run at once.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from './node-version.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const DIST = path.join(ROOT, 'dist');
const STAMP = 'sources.sha256';
const WORK = path.join(ROOT, '.build');
const LOCK = path.join(WORK, 'lock');
const COMPILER = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const CONFIGURATIONS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const LOCK_POLL_MS = 100;
const LOCK_PATIENCE_MS = 120_000;

/** Builds when needed. Returns false, with the reason on stderr, when that is not possible. */
export async function build() {
  requireNode();
  if (!fs.existsSync(path.join(ROOT, 'node_modules'))) {
    return complain(`the packages are not installed: run \`npm ci\` in ${ROOT}`);
  }
  const stamp = sourcesStamp();
  if (isBuiltFrom(stamp)) return true;
  if (!fs.existsSync(COMPILER)) {
    return complain(`the compiler is not installed: run \`npm ci --include=dev\` in ${ROOT}`);
  }
  try {
    await takeLock();
  } catch (error) {
    return complain(`cannot build in ${ROOT}: ${error.message}`);
  }
  try {
    return isBuiltFrom(stamp) || compile(stamp);
  } finally {
    fs.rmSync(LOCK, { force: true });
    removeIfEmpty(WORK);
  }
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

function isBuiltFrom(stamp) {
  try {
    return fs.readFileSync(path.join(DIST, STAMP), 'utf8') === stamp;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Compiles beside dist/ and swaps: a build that fails, or is killed, leaves dist/ as it was. */
function compile(stamp) {
  removeLeftovers();
  const fresh = path.join(WORK, `fresh-${process.pid}`);
  const stale = path.join(WORK, `stale-${process.pid}`);
  try {
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      [COMPILER, '-p', 'tsconfig.build.json', '--outDir', fresh, '--pretty', 'false'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (status !== 0) {
      return complain(`the build failed:\n${error ? error.message : `${stdout}${stderr}`.trim()}`);
    }
    fs.writeFileSync(path.join(fresh, STAMP), stamp);
    if (fs.existsSync(DIST)) fs.renameSync(DIST, stale);
    fs.renameSync(fresh, DIST);
    return true;
  } finally {
    removeLeftovers();
  }
}

/** Only the holder of the lock may: all but the lock is its own, or of a build that was killed. */
function removeLeftovers() {
  for (const name of fs.readdirSync(WORK)) {
    if (name !== path.basename(LOCK)) fs.rmSync(path.join(WORK, name), { recursive: true, force: true });
  }
}

/** One build at a time; the lock of a build that died is taken over. */
async function takeLock() {
  fs.mkdirSync(WORK, { recursive: true });
  for (const deadline = Date.now() + LOCK_PATIENCE_MS; ; ) {
    try {
      fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code === 'ENOENT') fs.mkdirSync(WORK, { recursive: true });
      else if (error.code !== 'EEXIST') throw error;
    }
    const holder = lockHolder();
    if (holder !== undefined && !isAlive(holder)) fs.rmSync(LOCK, { force: true });
    else if (Date.now() > deadline) throw new Error(`another build holds ${LOCK}`);
    else await sleep(LOCK_POLL_MS);
  }
}

/** The process that holds the lock; undefined while it is only just writing its id, or has let go. */
function lockHolder() {
  try {
    return Number(fs.readFileSync(LOCK, 'utf8')) || undefined;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function removeIfEmpty(directory) {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes(error.code)) throw error;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = (await build()) ? 0 : 1;
}
