// A directory with its parents. Not the recursive mkdir of Node: where a parent takes no entries and says ENOENT, as
// /proc does, that one tries again for ever.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Returns the topmost directory that it made; undefined when all were there. Throws the file system's error. */
export function makeDirectory(directory: string): string | undefined {
  const path = resolve(directory);
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  // A file in the way: the error says so.
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path);
  for (const one of missing.toReversed()) makeOne(one);
  return missing.at(-1);
}

/** Another process may make the same one at the same time. */
function makeOne(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const isThere = (error as { code?: string }).code === 'EEXIST' && statSync(path).isDirectory();
    if (!isThere) throw error;
  }
}
