// Is a mutant a program? One that breaks a type, or does not load, would be caught by anything, and proves nothing.

import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { CodedError } from '../../src/shared/coded-error.ts';
import { type Mutant, mutated } from './mutant.ts';

/** Checks types of mutants of the project at `root`; keeps the compiler's knowledge of it from one to the next. */
export class TypeCheck {
  readonly #root: string;
  readonly #texts = new Map<string, { version: number; text: string }>();
  readonly #service: ts.LanguageService;

  constructor(root: string) {
    this.#root = root;
    const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
    const parsed = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, root);
    // What the bug leaves unused is no mistake of the mutant.
    const options = { ...parsed.options, noUnusedLocals: false, noUnusedParameters: false };
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => options,
      getScriptFileNames: () => parsed.fileNames,
      getScriptVersion: (name) => `${this.#texts.get(name)?.version ?? 0}`,
      getScriptSnapshot: (name) => {
        const text = this.#texts.get(name)?.text ?? ts.sys.readFile(name);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
    });
  }

  /** The file that is changed, and every product file that imports it. Throws CodedError `mutant_invalid`. */
  check(mutant: Mutant): void {
    const file = path.join(this.#root, mutant.file);
    const original = fs.readFileSync(file, 'utf8');
    this.#set(file, mutated(mutant, original));
    const importers = this.#service.getFileReferences(file).map(({ fileName }) => fileName);
    const files = new Set([file, ...importers.filter((name) => !name.endsWith('.test.ts'))]);
    const problems = [...files].flatMap((name) => [
      ...this.#service.getSyntacticDiagnostics(name),
      ...this.#service.getSemanticDiagnostics(name),
    ]);
    this.#set(file, original);
    if (problems.length === 0) return;
    const told = problems
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
      .join('\n');
    throw new CodedError('mutant_invalid', `mutant ${mutant.id} breaks a type of ${mutant.file}:\n${told}`);
  }

  #set(file: string, text: string): void {
    this.#texts.set(file, { version: (this.#texts.get(file)?.version ?? 0) + 1, text });
  }
}
