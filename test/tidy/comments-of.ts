// The comments of a source file, with their lines.

import ts from 'typescript';
import type { SourceFile } from '../../verify/kit/source-files.ts';
import { parse } from './imports-of.ts';

export interface Comment {
  /** From 1. */
  readonly line: number;
  /** The words, without comment marks. */
  readonly text: string;
  /** The whole lines of the file that the comment touches. */
  readonly lines: readonly string[];
}

/** Marks that begin a line comment, by the ending of the file. */
const LINE_MARKS: Readonly<Record<string, string>> = { sh: '#', lua: '--', wat: ';;' };
const SHELL_MARK = '#';

/** Returns the comments of a file. Line comments on adjacent lines are one comment. */
export function commentsOf(file: SourceFile): Comment[] {
  if (/\.[cm]?[tj]s$/.test(file.name)) return scriptComments(file);
  const ending = /\.([a-z]+)$/.exec(file.name)?.[1] ?? 'sh';
  return lineComments(file, LINE_MARKS[ending] ?? SHELL_MARK);
}

function scriptComments(file: SourceFile): Comment[] {
  const source = parse(file);
  const fileLines = file.text.split('\n');
  const starts = new Map<number, Comment>();
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const add = ({ pos, end }: ts.CommentRange): void => {
    const text = withoutMarks(file.text.slice(pos, end));
    const lines = fileLines.slice(lineOf(pos), lineOf(end) + 1);
    starts.set(pos, { line: lineOf(pos) + 1, text, lines });
  };
  // A token owns all comments between the token before and itself.
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    children.forEach(visit);
    if (children.length > 0) return;
    ts.getTrailingCommentRanges(file.text, node.pos)?.forEach(add);
    ts.getLeadingCommentRanges(file.text, node.pos)?.forEach(add);
  };
  visit(source);
  return joinAdjacent([...starts].sort(([a], [b]) => a - b).map(([, comment]) => comment));
}

function withoutMarks(comment: string): string {
  if (comment.startsWith('//')) return comment.replace(/^\/\/+\s*/, '');
  return comment
    .replace(/^\/\*+|\*\/$/g, '')
    .replace(/^\s*\*? ?/gm, '')
    .trim();
}

/** Ignores comments behind code: without a parser a mark there may be part of a string. */
function lineComments(file: SourceFile, mark: string): Comment[] {
  const comments = file.text.split('\n').flatMap((line, at) => {
    const trimmed = line.trim();
    const isComment = trimmed.startsWith(mark) && !trimmed.startsWith('#!');
    const text = trimmed.slice(mark.length).trim();
    return isComment ? [{ line: at + 1, text, lines: [line] }] : [];
  });
  return joinAdjacent(comments);
}

function joinAdjacent(comments: readonly Comment[]): Comment[] {
  const joined: Comment[] = [];
  for (const comment of comments) {
    const last = joined.at(-1);
    if (last !== undefined && continues(last, comment)) {
      joined[joined.length - 1] = {
        line: last.line,
        text: `${last.text}\n${comment.text}`,
        lines: [...last.lines, ...comment.lines],
      };
    } else joined.push(comment);
  }
  return joined;
}

/** Line comments that stand alone on adjacent lines are one comment. */
function continues(last: Comment, next: Comment): boolean {
  const standsAlone = ({ lines }: Comment): boolean =>
    lines.every((line) => /^\s*(?:\/\/|#|--|;;)/.test(line));
  return next.line === last.line + last.lines.length && standsAlone(last) && standsAlone(next);
}
