// A copy of the project in a temporary directory, in which one file at a time is changed.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Mutant, mutated } from './mutant.ts';

/** Not part of the source, or made from it. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.build', '.git', 'data', 'logs', 'coverage']);

export class WorkingCopy {
  readonly directory: string;
  readonly #root: string;

  /** Of the project at `root`, whose packages it shares. */
  constructor(root: string) {
    this.#root = root;
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-mutants-'));
    for (const name of fs.readdirSync(root)) {
      if (LEFT_OUT.has(name)) continue;
      fs.cpSync(path.join(root, name), path.join(this.directory, name), { recursive: true });
    }
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(this.directory, 'node_modules'));
  }

  /** Puts the bug in. Throws CodedError `mutant_outdated`. */
  apply(mutant: Mutant): void {
    const original = fs.readFileSync(path.join(this.#root, mutant.file), 'utf8');
    fs.writeFileSync(path.join(this.directory, mutant.file), mutated(mutant, original));
  }

  revert(mutant: Mutant): void {
    fs.copyFileSync(path.join(this.#root, mutant.file), path.join(this.directory, mutant.file));
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
