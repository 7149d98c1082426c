import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';

const DIST = path.join(PROJECT_ROOT, 'dist');
const FILES = fs.readdirSync(DIST, { recursive: true, encoding: 'utf8' });

/** True for a source or compiled file, relative to the project's root, that is not part of the product. */
function isTestCode(file: string): boolean {
  return /(?:^|\/)testing\/|\.test\.[a-z]+|^(?:dist\/)?(?:verify|test|sim|explore)\//.test(file);
}

/** The sources that the maps in `dist/` name, relative to the project's root. */
function mappedSources(): string[] {
  return FILES.filter((name) => name.endsWith('.map')).flatMap((name) => {
    const file = path.join(DIST, name);
    const { sources } = JSON.parse(fs.readFileSync(file, 'utf8')) as { sources: string[] };
    return sources.map((source) => path.relative(PROJECT_ROOT, path.resolve(path.dirname(file), source)));
  });
}

test('dist/ has no test code', () => {
  expect(FILES.filter((file) => isTestCode(`dist/${file}`))).toEqual([]);
  expect(FILES).toContain('server/main.js');
});

test('no program in dist/ contains test code', () => {
  const sources = mappedSources();
  expect(sources.filter(isTestCode)).toEqual([]);
  expect(sources).toContain('src/server/run-node.ts');
});

test('the check itself finds test code', () => {
  const names = [
    'dist/http/testing/app.js',
    'dist/farm/apply.test.js',
    'dist/sim/main.js',
    'dist/explore/main.js',
    'src/farm/testing/commands.ts',
    'src/farm/apply.test.ts',
    'verify/kit/stage.ts',
    'test/contracts/transport.ts',
  ];
  expect(names.filter((name) => !isTestCode(name))).toEqual([]);
  expect(isTestCode('dist/farm/apply.js')).toBe(false);
  expect(isTestCode('node_modules/fastify/lib/server.js')).toBe(false);
});
