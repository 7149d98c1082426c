// Finds the source file of a function of the built program, which is one file, by its source map.

import fs from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

const maps = new Map<string, SourceMap | undefined>();

/** Returns the source file of a function, or the file itself where it has no source map. */
export function sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
  // A program that runs with V8's cached code has a path instead of a URL.
  if (!url.startsWith('file:') && !path.isAbsolute(url)) return url;
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  if (!maps.has(file)) maps.set(file, readMap(`${file}.map`));
  const entry = maps.get(file)?.findEntry(lineNumber, columnNumber);
  const isKnown = entry !== undefined && 'originalSource' in entry;
  return isKnown ? new URL(entry.originalSource, pathToFileURL(file)).href : url;
}

function readMap(file: string): SourceMap | undefined {
  return fs.existsSync(file) ? new SourceMap(JSON.parse(fs.readFileSync(file, 'utf8'))) : undefined;
}
