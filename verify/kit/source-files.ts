// The project's source files, for the tidy tests.

import fs from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from './project-root.ts';

export interface SourceFile {
  /** Path from the project's root with forward slashes: `src/engines/raft/core/log.ts`. */
  readonly name: string;
  readonly text: string;
}

/** Returns every file below these folders whose name has one of these endings. */
export function sourceFiles(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(PROJECT_ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => endings.some((ending) => name.endsWith(ending)))
      .map((name) => ({
        name: path.posix.join(folder, name.split(path.sep).join('/')),
        text: fs.readFileSync(path.join(PROJECT_ROOT, folder, name), 'utf8'),
      })),
  );
}
