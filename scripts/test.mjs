// The program of `npm test`: installs missing tools, runs all checks and tests, and prints their counts.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { requireNode } from './node-version.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const BIN = path.join(ROOT, 'node_modules', '.bin');
/** Programs beside Node.js that tests run. Each is in the Debian package of its own name. */
const TOOLS = ['tmux', 'jq', 'curl', 'openssl', 'strace', 'wrk'];

requireNode();
process.chdir(ROOT);
if (!installTools()) process.exit(1);

/** The end of a test's name that verify/kit/needs-root.ts skips for other users. */
const NEEDS_ROOT = /\[needs root to .*\]$/;

const counts = { passed: 0, failed: 0 };
const skipped = [];
await check('lint', () => run(path.join(BIN, 'biome'), ['check', '.']));
await check('types', () => run(path.join(BIN, 'tsc'), ['-p', 'tsconfig.json', '--noEmit']));
await check('types of the pure rooms', () =>
  run(path.join(BIN, 'tsc'), ['-p', 'tsconfig.pure.json', '--noEmit']),
);
await check('types of the client, without those of Node.js', () =>
  run(path.join(BIN, 'tsc'), ['-p', 'tsconfig.browser.json', '--noEmit']),
);
await check('build', build);
runTests();

if (skipped.length > 0) console.log(['', 'skipped:', ...skipped].join('\n  '));
const suffix = skipped.length === 0 ? '' : `, ${skipped.length} skipped`;
console.log(`\n${counts.passed} passed, ${counts.failed} failed${suffix}`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;

/** Returns false, with the command that installs them on stderr, when tools are missing and stay so. */
function installTools() {
  const missing = TOOLS.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return true;
  const mayInstall = process.getuid?.() === 0 && isInstalled('apt-get');
  if (mayInstall) {
    console.log(`installing ${missing.join(', ')}`);
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['-qq', 'update'], environment);
    run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...missing], environment);
  }
  const still = missing.filter((tool) => !isInstalled(tool));
  if (still.length === 0) return true;
  console.error(`The tests need ${still.join(', ')}. Install with:`);
  console.error(`  sudo apt-get update && sudo apt-get install -y ${still.join(' ')}`);
  return false;
}

function isInstalled(tool) {
  return spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status === 0;
}

/** Returns true when the command ended with 0. Its output goes to the terminal. */
function run(command, args, environment = process.env) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: environment });
  if (error) console.error(error.message);
  return status === 0;
}

async function check(name, passes) {
  console.log(`\n== ${name}`);
  const passed = await passes();
  counts[passed ? 'passed' : 'failed'] += 1;
  if (!passed) console.log(`FAILED: ${name}`);
}

function runTests() {
  console.log('\n== tests');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-tests-'));
  const report = path.join(directory, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const clean = run(path.join(BIN, 'vitest'), ['run', ...reporters, ...process.argv.slice(2)]);
  const before = counts.failed;
  if (fs.existsSync(report)) addCounts(JSON.parse(fs.readFileSync(report, 'utf8')));
  // There were errors outside of any test, or there is no report.
  if (!clean && counts.failed === before) counts.failed += 1;
  fs.rmSync(directory, { recursive: true });
}

/**
 * A skipped test counts as failed, except one that needs root where this user is not root and CI is not true.
 * A file that could not be loaded counts as failed.
 */
function addCounts(report) {
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
  );
  for (const { name } of unloadable) console.log(`FAILED outside of its tests: ${path.relative(ROOT, name)}`);
  const mayLackRoot = process.getuid?.() !== 0 && process.env.CI !== 'true';
  const without = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName);
  skipped.push(...without.filter((name) => mayLackRoot && NEEDS_ROOT.test(name)));
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests + without.length - skipped.length + unloadable.length;
}
