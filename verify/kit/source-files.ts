// The project's own sources, for the tests that hold its order.

import fs from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from './project-root.ts';

export interface SourceFile {
  /** From the project's root, with forward slashes: `src/engines/raft/core/log.ts`. */
  readonly name: string;
  readonly text: string;
}

/** Every file below these folders whose name ends so. */
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
