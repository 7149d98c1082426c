// The exports of TypeScript files, and the files that use each.

import path from 'node:path';
import ts from 'typescript';
import type { SourceFile } from '../../verify/kit/source-files.ts';
import { parse } from './imports-of.ts';

export interface Export {
  readonly file: string;
  readonly name: string;
  /** True when its comment says `For tests: …`, with the reason. */
  readonly isForTests: boolean;
  /** True for an interface or type alias that another declaration of its file uses. */
  readonly isTypeInUse: boolean;
  /** Files that import the name. */
  readonly users: ReadonlySet<string>;
}

type Declared = Pick<Export, 'name' | 'isForTests' | 'isTypeInUse'>;

interface Use {
  readonly target: string;
  /** Undefined for all names of the target. */
  readonly name: string | undefined;
}

export function exportsOf(files: readonly SourceFile[]): Export[] {
  const parsed = files.map(parse);
  const users = new Map<string, Set<string>>();
  for (const source of parsed) {
    for (const { target, name } of usesOf(source)) {
      const key = `${target} ${name ?? '*'}`;
      users.set(key, (users.get(key) ?? new Set()).add(source.fileName));
    }
  }
  return parsed.flatMap((source) =>
    declaredBy(source).map(({ name, isForTests, isTypeInUse }) => ({
      file: source.fileName,
      name,
      isForTests,
      isTypeInUse,
      users: new Set([name, '*'].flatMap((used) => [...(users.get(`${source.fileName} ${used}`) ?? [])])),
    })),
  );
}

function declaredBy(source: ts.SourceFile): Declared[] {
  return source.statements.flatMap((statement): Declared[] => {
    const comments = ts.getLeadingCommentRanges(source.text, statement.pos) ?? [];
    const isForTests = comments.some(({ pos, end }) => /\bFor tests: \S/.test(source.text.slice(pos, end)));
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    return exportedNames(statement).map((name) => {
      const isTypeInUse = isType && source.statements.some((one) => one !== statement && mentions(one, name));
      return { name, isForTests, isTypeInUse };
    });
  });
}

function mentions(node: ts.Node, name: string): boolean {
  if (ts.isIdentifier(node)) return node.text === name;
  return ts.forEachChild(node, (child) => mentions(child, name) || undefined) ?? false;
}

function exportedNames(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement)) {
    const clause = statement.exportClause;
    return clause !== undefined && ts.isNamedExports(clause)
      ? clause.elements.map(({ name }) => name.text)
      : [];
  }
  const isExported = ts.canHaveModifiers(statement)
    ? ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    : false;
  if (isExported !== true) return [];
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  }
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? [] : [name.text];
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []));
}

function usesOf(source: ts.SourceFile): Use[] {
  const uses: Use[] = [];
  const add = (specifier: ts.Node | undefined, names: readonly (string | undefined)[]): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return;
    const target = path.posix.join(path.posix.dirname(source.fileName), specifier.text);
    for (const name of names) uses.push({ target, name });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importedNames(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, reexportedNames(node.exportClause));
    else if (ts.isImportTypeNode(node)) {
      const { argument, qualifier } = node;
      if (ts.isLiteralTypeNode(argument) && qualifier !== undefined && ts.isIdentifier(qualifier)) {
        add(argument.literal, [qualifier.text]);
      }
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], destructuredNames(node));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

function importedNames(clause: ts.ImportClause | undefined): (string | undefined)[] {
  const bindings = clause?.namedBindings;
  if (bindings === undefined) return [];
  if (ts.isNamespaceImport(bindings)) return [undefined];
  return bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

function reexportedNames(clause: ts.NamedExportBindings | undefined): (string | undefined)[] {
  if (clause === undefined || ts.isNamespaceExport(clause)) return [undefined];
  return clause.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

/** Returns the names that `const { a, b } = await import('…')` takes, or all names for other forms. */
function destructuredNames(call: ts.CallExpression): (string | undefined)[] {
  const declaration = ts.isAwaitExpression(call.parent) ? call.parent.parent : undefined;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return [undefined];
  if (!ts.isObjectBindingPattern(declaration.name)) return [undefined];
  return declaration.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
}
