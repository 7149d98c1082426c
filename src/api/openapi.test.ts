import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import openapiTypescript, { astToString } from 'openapi-typescript';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { exampleOf, openapi } from './openapi.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { PROBLEM_CODES, problemSchema } from './problems.ts';

const DOCUMENT = openapi('1.2.3');
const ALL: readonly (readonly [string, Operation])[] = Object.entries(OPERATIONS);

let folder = '';

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-openapi-'));
  fs.writeFileSync(path.join(folder, 'openapi.json'), JSON.stringify(DOCUMENT));
});

afterAll(() => fs.rmSync(folder, { recursive: true }));

test('a public linter finds neither an error nor a warning', async () => {
  const { stderr } = await promisify(execFile)(
    process.execPath,
    [
      path.join(PROJECT_ROOT, 'node_modules/@redocly/cli/bin/cli.js'),
      'lint',
      '--extends=recommended',
      'openapi.json',
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        REDOCLY_TELEMETRY: 'off',
        REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
        NO_COLOR: '1',
      },
    },
  );
  expect(stderr).toContain('Your API description is valid.');
  expect(stderr).not.toMatch(/\d+ (?:warning|error)/);
});

test('TypeScript types can be generated from it, and compile', async () => {
  const file = path.join(folder, 'openapi.ts');
  fs.writeFileSync(file, astToString(await openapiTypescript(JSON.stringify(DOCUMENT))));
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    lib: ['lib.es2023.d.ts'],
    types: [],
  });
  expect(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([]);
  expect(fs.readFileSync(file, 'utf8')).toContain('listPrintJobs');
});

test('it depends on the version and nothing else', () => {
  expect(openapi('1.2.3')).toEqual(DOCUMENT);
  expect(DOCUMENT.info).toMatchObject({ version: '1.2.3' });
});

test('it describes every operation and every problem', () => {
  const ids = Object.values(DOCUMENT.paths).flatMap((methods) =>
    Object.values(methods).map((operation) => (operation as { operationId: string }).operationId),
  );
  expect(ids.sort()).toEqual(Object.keys(OPERATIONS).sort());
  const text = JSON.stringify(DOCUMENT.components.schemas);
  for (const code of PROBLEM_CODES) expect(text).toContain(`"urn:raft3d:problem:${code}"`);
});

test('it is plain JSON', () => {
  expect(JSON.parse(JSON.stringify(DOCUMENT))).toEqual(DOCUMENT);
});

test.each([
  ...ALL.flatMap(([id, { params, query, headers, body, answer }]) =>
    Object.entries({
      params,
      query,
      headers,
      body,
      answer: answer.schema,
      answerHeaders: answer.headers,
    }).map(([part, schema]) => [`${part} of ${id}`, schema] as const),
  ),
  ...PROBLEM_CODES.map((code) => [code, problemSchema(code)] as const),
])('the example of %s fits its schema', (_, schema = {}) => {
  const ajv = new Ajv2020({ strict: false });
  addFormatsModule.default(ajv);
  const isValid = ajv.validate(schema, exampleOf(schema) ?? null);
  expect([isValid, ajv.errors]).toEqual([true, null]);
});
