// A copy of the project in a temporary directory, in which one file at a time is changed.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Mutant, mutated } from './mutant.ts';

/** Not part of the source, or made from it. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'data', 'logs', 'coverage']);
/** A build that is under way works in a directory with such a name. */
const BUILD_PREFIX = '.build-';

export class WorkingCopy {
  readonly directory: string;
  /** What the changed file was, while one is changed. */
  #original: { readonly file: string; readonly text: string } | undefined;

  /** Of the project at `root` as it is now, whose packages it shares. */
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

  /** Takes it out again. */
  revert(): void {
    if (this.#original !== undefined) fs.writeFileSync(this.#original.file, this.#original.text);
    this.#original = undefined;
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
