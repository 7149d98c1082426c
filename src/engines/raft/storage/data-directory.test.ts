import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { prepareDataDirectory } from './data-directory.ts';

describe('prepareDataDirectory', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'raft3d-directory-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('makes the directory with its parents, and keeps an existing one', () => {
    const directory = join(root, 'some/where/node.1');
    prepareDataDirectory(directory);
    writeFileSync(join(directory, 'file'), 'kept');
    prepareDataDirectory(directory);
    expect(statSync(join(directory, 'file')).size).toBe(4);
  });

  test('fails with data_directory_unusable and the path when a file is in the way', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    for (const directory of [file, join(file, 'node1')]) {
      expect(() => prepareDataDirectory(directory)).toThrow(
        expect.objectContaining({
          code: 'data_directory_unusable',
          message: expect.stringContaining(directory),
        }),
      );
    }
  });
});
