// A copy of the project in a temporary directory. One file of it is changed at a time.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Mutant, mutated } from './mutant.ts';

/** Folders that are not part of the source. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'data', 'logs', 'coverage']);
/** A build that is under way works in a directory with such a name. */
const BUILD_PREFIX = '.build-';

export class WorkingCopy {
  readonly directory: string;
  /** The original of the file that is changed now. */
  #original: { readonly file: string; readonly text: string } | undefined;

  /** Copies the project at `root`, and shares its packages. */
  constructor(root: string) {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-mutants-'));
    for (const name of fs.readdirSync(root)) {
      if (LEFT_OUT.has(name) || name.startsWith(BUILD_PREFIX)) continue;
      fs.cpSync(path.join(root, name), path.join(this.directory, name), { recursive: true });
    }
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(this.directory, 'node_modules'));
  }

  /** Puts the bug in. Throws CodedError `mutant_outdated`. */
  apply(mutant: Mutant): void {
    this.revert();
    const file = path.join(this.directory, mutant.file);
    const text = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, mutated(mutant, text));
    this.#original = { file, text };
  }

  /** Takes the bug out again. */
  revert(): void {
    if (this.#original !== undefined) fs.writeFileSync(this.#original.file, this.#original.text);
    this.#original = undefined;
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
