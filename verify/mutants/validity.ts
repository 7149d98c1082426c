// Checks that a mutant is a program: one that breaks a type would be caught by any check, and so proves
// nothing.

import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { CodedError } from '../../src/shared/coded-error.ts';
import { type Mutant, mutated } from './mutant.ts';

/** Checks the types of mutants of the project at `root`. All checks share one language service. */
export class TypeCheck {
  readonly #root: string;
  readonly #texts = new Map<string, { version: number; text: string }>();
  readonly #service: ts.LanguageService;
  readonly #declarationsOf = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
    const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
    const parsed = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, root);
    // A bug may leave something unused.
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

  /**
   * Checks the changed file and, where the mutant changes its declarations, the product files that import it.
   * Throws CodedError `mutant_invalid` or `mutant_outdated`.
   */
  check(mutant: Mutant): void {
    const file = path.join(this.#root, mutant.file);
    const original = fs.readFileSync(file, 'utf8');
    const changed = mutated(mutant, original);
    const before = this.#declarations(file);
    this.#set(file, changed);
    const problems = this.#problemsOf(file);
    if (problems.length === 0 && this.#emit(file) !== before) {
      problems.push(...this.#importers(file).flatMap((name) => this.#problemsOf(name)));
    }
    this.#set(file, original);
    if (problems.length === 0) return;
    const text = problems
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
      .join('\n');
    throw new CodedError('mutant_invalid', `mutant ${mutant.id} breaks a type of ${mutant.file}:\n${text}`);
  }

  #problemsOf(file: string): ts.Diagnostic[] {
    return [...this.#service.getSyntacticDiagnostics(file), ...this.#service.getSemanticDiagnostics(file)];
  }

  #importers(file: string): string[] {
    const names = new Set(this.#service.getFileReferences(file).map(({ fileName }) => fileName));
    return [...names].filter((name) => !name.endsWith('.test.ts'));
  }

  /** Returns the declarations of the unchanged file: all that importers depend on. */
  #declarations(file: string): string {
    const known = this.#declarationsOf.get(file) ?? this.#emit(file);
    this.#declarationsOf.set(file, known);
    return known;
  }

  #emit(file: string): string {
    const { outputFiles } = this.#service.getEmitOutput(file, true, true);
    return outputFiles.map(({ text }) => text).join('\n');
  }

  #set(file: string, text: string): void {
    this.#texts.set(file, { version: (this.#texts.get(file)?.version ?? 0) + 1, text });
  }
}
