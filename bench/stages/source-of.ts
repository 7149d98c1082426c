// The node's program is one file: its source map says where each of its functions comes from.

import fs from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { CallFrame } from './profile.ts';

const maps = new Map<string, SourceMap | undefined>();

/** The source file of a function; its own file, where that has no source map. */
export function sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
  if (!url.startsWith('file:')) return url;
  if (!maps.has(url)) maps.set(url, readMap(`${fileURLToPath(url)}.map`));
  const entry = maps.get(url)?.findEntry(lineNumber, columnNumber);
  return entry !== undefined && 'originalSource' in entry ? new URL(entry.originalSource, url).href : url;
}

function readMap(file: string): SourceMap | undefined {
  return fs.existsSync(file) ? new SourceMap(JSON.parse(fs.readFileSync(file, 'utf8'))) : undefined;
}
