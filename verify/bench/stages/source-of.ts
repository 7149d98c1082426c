// The node's program is one file: its source map says where each of its functions comes from.

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

/** The source file of a function; its own file, where that has no source map. */
export function sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
  // A program that is run with V8's code of it has a path for its address.
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
