import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { allAreVoters } from '../../verify/kit/cluster-waits.ts';
import { MAIN } from '../../verify/kit/node-process.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type CommandOptions, type CommandResult, runCommand } from '../../verify/kit/run-command.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const stage = useStage();
const LAUNCHER = path.join(PROJECT_ROOT, 'raft3d');
/** Several builds at once take long on a small machine. */
const BUILDS_TIMEOUT_MS = 280_000;
const TEST_TIMEOUT_MS = 300_000;

/** Makes Node.js report an old version. */
const OLD_NODE = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.0'}})",
  )}`,
};

/**
 * Copies what a fresh clone has. `packages`: with node_modules. `built`: with dist/, newer than the sources.
 */
function freshClone(options: { packages: boolean; built?: boolean }): string {
  const clone = path.join(stage().directory, 'clone');
  mkdirSync(clone);
  const names = ['raft3d', 'scripts', 'src', 'package.json', 'package-lock.json'];
  names.push('tsconfig.json', 'tsconfig.build.json');
  if (options.built === true) names.push('dist');
  for (const name of names) {
    cpSync(path.join(PROJECT_ROOT, name), path.join(clone, name), { recursive: true });
  }
  if (options.packages) {
    symlinkSync(path.join(PROJECT_ROOT, 'node_modules'), path.join(clone, 'node_modules'));
  }
  return clone;
}

/**
 * Absolute paths of the sources in the source maps of `dist`, without packages, which may not ship theirs.
 */
function sourcesInMaps(dist: string): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.map'))
    .flatMap((name) => {
      const file = path.join(dist, name);
      const { sources } = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[] };
      return sources.map((source) => path.resolve(path.dirname(file), source));
    })
    .filter((source) => !source.includes('/node_modules/'));
}

/** The directories of builds that are under way or were killed. */
function buildDirectories(clone: string): string[] {
  return readdirSync(clone).filter((name) => name.startsWith('.build'));
}

function builtAt(clone: string): number {
  return statSync(path.join(clone, 'dist', 'server', 'main.js')).ctimeMs;
}

function launchIn(clone: string): Promise<CommandResult> {
  return runCommand([path.join(clone, 'raft3d'), '-h'], { timeoutMs: BUILDS_TIMEOUT_MS });
}

function launch(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand([LAUNCHER, ...args], options);
}

describe('./raft3d', () => {
  test('passes arguments and exit codes on, from any directory', async () => {
    expect((await launch(['-h'], { cwd: '/' })).code).toBe(0);
    const { code, stderr } = await launch(['-id', 'two words'], { cwd: '/' });
    expect(code).toBe(2);
    expect(stderr).toContain('"two words"');
  });

  test('works through a chain of symbolic links, absolute and relative', async () => {
    const directory = stage().directory;
    symlinkSync(LAUNCHER, path.join(directory, 'one'));
    mkdirSync(path.join(directory, 'bin'));
    symlinkSync('../one', path.join(directory, 'bin', 'two'));
    const { code, stdout } = await runCommand([path.join(directory, 'bin', 'two'), '-h'], { cwd: '/' });
    expect(code).toBe(0);
    expect(stdout).toContain('Usage:');
  });

  test('is replaced by the node: a signal stops the node, and the exit code is the node’s', async () => {
    const node = await stage().newNode({ flags: ['-bootstrap'], command: [LAUNCHER] });
    node.start();
    await allAreVoters([node]);
    expect(await node.stop()).toEqual({ code: 0, signal: null });
  });

  test('refuses an old Node.js with one line and exit code 1', async () => {
    const { code, stdout, stderr } = await launch(['-h'], { environment: OLD_NODE });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('raft3d needs Node.js 20 or newer; this is 18.20.0\n');
  });

  test('starts Node.js with the flags of every node', async () => {
    const node = await stage().newNode({ flags: ['-bootstrap'], command: [LAUNCHER] });
    node.start();
    await allAreVoters([node]);
    const [, ...commandLine] = readFileSync(`/proc/${node.pid}/cmdline`, 'utf8').split('\0');
    expect(commandLine.slice(0, NODE_FLAGS.length + 1)).toEqual([...NODE_FLAGS, MAIN]);
  });

  test('names the command to run when packages are missing', async () => {
    const clone = freshClone({ packages: false });
    const { code, stderr } = await launchIn(clone);
    expect(code).toBe(1);
    expect(stderr).toBe(`raft3d: the packages are not installed: run \`npm ci\` in ${clone}\n`);
  });
});

describe('the build of ./raft3d', { timeout: TEST_TIMEOUT_MS }, () => {
  test('prints nothing and leaves only dist/ when three first starts run at once', async () => {
    const clone = freshClone({ packages: true });
    const results = await Promise.all(Array.from({ length: 3 }, () => launchIn(clone)));
    for (const { code, stdout, stderr } of results) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Raft3D: /);
    }
    expect(buildDirectories(clone)).toEqual([]);
    const sources = sourcesInMaps(path.join(clone, 'dist'));
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((source) => !existsSync(source))).toEqual([]);
  });

  test('happens at the next start after a source changed, and only then', async () => {
    const clone = freshClone({ packages: true, built: true });
    const built = builtAt(clone);
    const source = path.join(clone, 'src', 'server', 'main.ts');
    // An installation may change owners and modes after the build.
    chmodSync(source, 0o444);
    expect((await launchIn(clone)).code).toBe(0);
    expect(builtAt(clone)).toBe(built);

    chmodSync(source, 0o644);
    appendFileSync(source, "process.stdout.write('changed\\n');\n");
    expect((await launchIn(clone)).stdout).toContain('changed\n');
  });

  test('stops the start with the error of a source with a wrong type, and keeps dist/', async () => {
    const clone = freshClone({ packages: true, built: true });
    const built = builtAt(clone);
    writeFileSync(path.join(clone, 'src', 'broken.ts'), 'export const broken: number = "no";\n');
    const { code, stderr } = await launchIn(clone);
    expect(code).toBe(1);
    expect(stderr).toContain('src/broken.ts(1,14): error TS2322');
    expect(builtAt(clone)).toBe(built);
    expect(buildDirectories(clone)).toEqual([]);
  });

  test('leaves dist/ unchanged when it is killed, and a later build removes its directory', async () => {
    const clone = freshClone({ packages: true, built: true });
    const built = builtAt(clone);
    const build = spawn(process.execPath, [path.join(clone, 'scripts', 'build.mjs')], { detached: true });
    stage().onEnd(() => void build.kill('SIGKILL'));
    const ended = once(build, 'exit');
    const [left] = await waitFor('the build works', () => {
      const directories = buildDirectories(clone);
      return directories.length > 0 && directories;
    });
    process.kill(-(build.pid as number), 'SIGKILL');
    await ended;
    expect(builtAt(clone)).toBe(built);
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(path.join(clone, left as string), longAgo, longAgo);
    appendFileSync(path.join(clone, 'src', 'server', 'main.ts'), '// changed\n');
    expect((await launchIn(clone)).code).toBe(0);
    expect(buildDirectories(clone)).toEqual([]);
  });

  test('is left out by npm ci without the compiler, and a first start names the command to run', async () => {
    const clone = freshClone({ packages: false });
    mkdirSync(path.join(clone, 'node_modules'));
    const reason = `raft3d: dist/ cannot be built without the compiler: run \`npm ci --include=dev\` in ${clone}\n`;
    const prepared = await runCommand(['npm', 'run', '--silent', 'prepare'], { cwd: clone });
    expect(prepared).toMatchObject({ code: 0, stderr: reason });
    expect(await launchIn(clone)).toMatchObject({ code: 1, stderr: reason });
  });
});
