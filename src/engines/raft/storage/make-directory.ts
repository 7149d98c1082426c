// Makes a directory with its parents. The recursive mkdir of Node.js retries for ever in a parent that takes
// no entries and reports ENOENT, as /proc does.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Returns the topmost directory that it made, or undefined when all existed. Throws the file system's error.
 */
export function makeDirectory(directory: string): string | undefined {
  const path = resolve(directory);
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  // A file is in the way: mkdir throws the error that says so.
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path);
  for (const one of missing.toReversed()) {
    try {
      mkdirSync(one);
    } catch (error) {
      // Another process may have made it at the same time.
      if ((error as { code?: string }).code !== 'EEXIST' || !statSync(one).isDirectory()) throw error;
    }
  }
  return missing.at(-1);
}
