import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { PROBLEM_CODES, problemKind } from './problems.ts';

const PAGE = fs.readFileSync(path.join(PROJECT_ROOT, 'docs/api.md'), 'utf8');

/** Refusals that depend on the farm or the members. The page describes the others for all calls together. */
const OWN_REFUSALS = [404, 409, 422];

function code(text: string): string {
  return `\`${text}\``;
}

function callsTable(): string {
  const rows = Object.values<Operation>(OPERATIONS).map((operation) => {
    const { method, path, summary, answer, otherAnswers = [], problems } = operation;
    const statuses = [answer, ...otherAnswers].map(({ status }) => status).join(', ');
    const refusals = problems.filter((one) => OWN_REFUSALS.includes(problemKind(one).status)).map(code);
    return `| ${code(`${method} ${path}`)} | ${summary} | ${statuses} | ${refusals.join(', ')} |`;
  });
  return ['| call | what it does | success | refusals of its own |', '|---|---|---|---|', ...rows].join('\n');
}

function problemsTable(): string {
  const rows = PROBLEM_CODES.map((one) => {
    const { status, meaning, fields = {} } = problemKind(one);
    const names = Object.keys(fields).map(code).join(', ');
    return `| ${code(one)} | ${status} | ${meaning}${names === '' ? '' : `: ${names}`} |`;
  });
  return ['| code | status | when, and the members it adds |', '|---|---|---|', ...rows].join('\n');
}

test('docs/api.md has every operation as the list has it', () => {
  expect(PAGE).toContain(`\n\n${callsTable()}\n\n`);
});

test('docs/api.md has every problem as the table has it', () => {
  expect(PAGE).toContain(`\n\n${problemsTable()}\n\n`);
});

test('docs/api.md shows every parameter and field of requests', () => {
  const names = Object.values<Operation>(OPERATIONS).flatMap(({ query, body }) =>
    Object.keys({ ...query.properties, ...body?.properties }),
  );
  expect([...new Set(names)].filter((name) => !PAGE.includes(name))).toEqual([]);
});
