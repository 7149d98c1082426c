import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { allAreVoters } from '../../verify/kit/cluster-waits.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type CommandOptions, type CommandResult, runCommand } from '../../verify/kit/run-command.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const stage = useStage();
const LAUNCHER = path.join(PROJECT_ROOT, 'raft3d');

/** Makes the Node that is started believe that it is an old one. */
const OLD_NODE = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.0'}})",
  )}`,
};

/** A fresh clone: sources and scripts, no dist. `packages`: with node_modules. */
function freshClone(options: { packages: boolean }): string {
  const clone = path.join(stage().directory, 'clone');
  mkdirSync(clone);
  for (const name of ['raft3d', 'scripts', 'src', 'package.json', 'package-lock.json']) {
    cpSync(path.join(PROJECT_ROOT, name), path.join(clone, name), { recursive: true });
  }
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) {
    cpSync(path.join(PROJECT_ROOT, name), path.join(clone, name));
  }
  if (options.packages)
    symlinkSync(path.join(PROJECT_ROOT, 'node_modules'), path.join(clone, 'node_modules'));
  return clone;
}

/** Absolute paths of what the source maps of `dist` name, but for packages, which may not ship their sources. */
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

/** What puts a `node` before the real one that notes each start as a line of `started`. */
function tracedNode(): { directory: string; environment: Record<string, string> } {
  const directory = mkdtempSync(path.join(stage().directory, 'traced-'));
  const lines = ['#!/bin/sh', 'echo "$*" >> "$(dirname "$0")/started"', `exec "${process.execPath}" "$@"`];
  writeFileSync(path.join(directory, 'node'), `${lines.join('\n')}\n`, { mode: 0o755 });
  return { directory, environment: { PATH: `${directory}:${process.env.PATH}` } };
}

function launch(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand([LAUNCHER, ...args], options);
}

describe('./raft3d', () => {
  test('passes arguments and exit codes through, from any directory', async () => {
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

  test('becomes the node: a signal to it stops the node, and the exit code is the node’s', async () => {
    const node = await stage().newNode({ flags: ['-bootstrap'], command: [LAUNCHER] });
    node.start();
    await allAreVoters([node]);
    expect(await node.stop()).toEqual({ code: 0, signal: null });
  });

  test('too old a Node is one clear line and exit code 1', async () => {
    const { code, stdout, stderr } = await launch(['-h'], { environment: OLD_NODE });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('raft3d needs Node.js 20 or newer; this is 18.20.0\n');
  });

  test('it starts Node with the flags that nodes have everywhere', () => {
    const launcher = readFileSync(path.join(PROJECT_ROOT, 'raft3d'), 'utf8');
    expect(launcher).toContain(`exec node ${NODE_FLAGS.join(' ')} "$root/dist/server/main.js"`);
  });

  test('without packages it says what to run', async () => {
    const clone = freshClone({ packages: false });
    const { code, stderr } = await runCommand([path.join(clone, 'raft3d'), '-h']);
    expect(code).toBe(1);
    expect(stderr).toBe(`raft3d: the packages are not installed: run \`npm ci\` in ${clone}\n`);
  });

  test('builds a fresh clone quietly, for four at once, past what a killed build left behind, and again when a source changed', async () => {
    const clone = freshClone({ packages: true });
    mkdirSync(path.join(clone, '.build', 'fresh'), { recursive: true });
    const results = await Promise.all(
      Array.from({ length: 4 }, () => runCommand([path.join(clone, 'raft3d'), '-h'], { timeoutMs: 110_000 })),
    );
    for (const { code, stdout, stderr } of results) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Raft3D: /);
    }
    expect(existsSync(path.join(clone, '.build'))).toBe(false);
    const sources = sourcesInMaps(path.join(clone, 'dist'));
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((source) => !existsSync(source))).toEqual([]);

    // Nothing is compared, and no Node started for it, once the sources are older than the last comparison.
    const tracedLaunch = async (): Promise<string[]> => {
      const { directory, environment } = tracedNode();
      expect((await runCommand([path.join(clone, 'raft3d'), '-h'], { environment })).code).toBe(0);
      return readFileSync(path.join(directory, 'started'), 'utf8').trim().split('\n');
    };
    await waitFor('the launcher starts the node alone', async () => (await tracedLaunch()).length === 1);

    const source = path.join(clone, 'src', 'server', 'node-flags.ts');
    const { atime, mtime } = statSync(source);
    const content = readFileSync(source);
    writeFileSync(source, 'export const NODE_FLAGS: number = "no";\n');
    utimesSync(source, atime, mtime);
    const changed = await runCommand([path.join(clone, 'raft3d'), '-h']);
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain('src/server/node-flags.ts(1,14): error TS2322');
    writeFileSync(source, content);

    writeFileSync(path.join(clone, 'src', 'broken.ts'), 'export const broken: number = "no";\n');
    const broken = await runCommand([path.join(clone, 'raft3d'), '-h']);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('src/broken.ts(1,14): error TS2322');
    rmSync(path.join(clone, 'src', 'broken.ts'));
    expect((await runCommand([path.join(clone, 'raft3d'), '-h'])).code).toBe(0);
  });
});
