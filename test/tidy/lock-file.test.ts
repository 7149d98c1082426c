import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';

interface LockedPackage {
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node?: string };
}

const PACKAGES = Object.entries(
  (
    JSON.parse(fs.readFileSync(path.join(PROJECT_ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, LockedPackage>;
    }
  ).packages,
);

describe('package-lock.json', () => {
  test('lists every dependency of its packages, also those for other platforms, as npm ci requires', () => {
    const names = new Set(PACKAGES.map(([where]) => where.slice(where.lastIndexOf('node_modules/') + 13)));
    const missing = PACKAGES.flatMap(([, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies }),
    ).filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });

  test('has no registry URL', () => {
    expect(PACKAGES.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  test('has only packages that run on Node.js 20', () => {
    const demanding = PACKAGES.filter(([, { engines }]) =>
      (engines?.node ?? '').split('||').every((range) => /^\s*(?:>=|\^)?\s*2[1-9]/.test(range)),
    );
    expect(demanding.map(([where]) => where)).toEqual([]);
  });
});
