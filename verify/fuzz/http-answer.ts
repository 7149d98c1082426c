// Reads answers of the API from bytes, strictly, and compares them with docs/api.md.

import fs from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from '../kit/project-root.ts';
import { Finding } from './idea.ts';

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  /** The parsed body, where its content type is JSON. */
  readonly json: unknown;
}

/** Documented problem codes and their statuses. */
const CODES = readCodes();
const SUCCESSES = new Set([200, 201]);
const SERVER_ERRORS = new Set([503, 504]);
const INFORMATION = 200;
const utf8 = new TextDecoder('utf-8', { fatal: true });

function readCodes(): ReadonlyMap<string, number> {
  const text = fs.readFileSync(path.join(PROJECT_ROOT, 'docs', 'api.md'), 'utf8');
  return new Map(
    [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(([, code = '', status]) => [code, Number(status)]),
  );
}

/**
 * Returns the next answer in `bytes` and its length; undefined while bytes are missing. Throws Finding for
 * others.
 */
export function readAnswer(
  bytes: Buffer,
  { method, isClosed }: { method: string; isClosed: boolean },
): { answer: Answer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) {
    if (isClosed && bytes.length > 0) throw new Finding(`an answer ends within its head: ${shown(bytes)}`);
    return undefined;
  }
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) [\t\x20-\x7e]*$/.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) throw new Finding(`not an HTTP answer: ${shown(bytes)}`);
  const headers = readHeaders(lines);
  const bodyStart = headEnd + 4;
  if (status < INFORMATION) return readAnswerAfter(bytes, bodyStart, { method, isClosed });
  const framed = readBody(bytes, bodyStart, { headers, hasNone: method === 'HEAD', isClosed });
  if (framed === undefined) return undefined;
  return {
    answer: { status, headers, body: framed.body, json: readJson(headers, framed.body) },
    length: framed.end,
  };
}

/** Reads the final answer behind a `100 Continue`. */
function readAnswerAfter(bytes: Buffer, start: number, how: { method: string; isClosed: boolean }) {
  const rest = readAnswer(bytes.subarray(start), how);
  return rest === undefined ? undefined : { answer: rest.answer, length: rest.length + start };
}

function readHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e]*?)[\t ]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Finding(`not a header: ${JSON.stringify(line)}`);
    if (headers.has(name.toLowerCase())) throw new Finding(`the header ${name} is there twice`);
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function readBody(
  bytes: Buffer,
  start: number,
  {
    headers,
    hasNone,
    isClosed,
  }: { headers: ReadonlyMap<string, string>; hasNone: boolean; isClosed: boolean },
): { body: Uint8Array; end: number } | undefined {
  if (hasNone) return { body: new Uint8Array(0), end: start };
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(bytes, start);
  const length = headers.get('content-length');
  if (length === undefined || !/^\d+$/.test(length))
    throw new Finding(`an answer of no known length: ${shown(bytes)}`);
  const end = start + Number(length);
  if (end <= bytes.length) return { body: bytes.subarray(start, end), end };
  if (isClosed) throw new Finding(`an answer ends before its ${length} bytes: ${shown(bytes)}`);
  return undefined;
}

function readChunks(bytes: Buffer, start: number): { body: Uint8Array; end: number } | undefined {
  const parts: Uint8Array[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Finding(`not a chunk: ${shown(bytes.subarray(at))}`);
    const end = lineEnd + 2 + size + 2;
    if (end > bytes.length) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), end };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = end;
  }
}

function readJson(headers: ReadonlyMap<string, string>, body: Uint8Array): unknown {
  if (body.length === 0 || !(headers.get('content-type') ?? '').includes('json')) return undefined;
  try {
    return JSON.parse(utf8.decode(body));
  } catch (cause) {
    throw new Finding(`an answer of type JSON is not JSON: ${shown(Buffer.from(body))}`, { cause });
  }
}

/** Throws Finding unless such an answer is documented. */
export function judgeAnswer({ status, headers, json, body }: Answer, method: string): void {
  const told = `${status} ${JSON.stringify([...headers])} ${shown(Buffer.from(body))}`;
  const isDocumented = SUCCESSES.has(status) || [...CODES.values()].includes(status);
  if (!isDocumented || (status >= 500 && !SERVER_ERRORS.has(status)))
    throw new Finding(`not a documented answer: ${told}`);
  if (method === 'HEAD') return;
  if (SUCCESSES.has(status)) {
    if (json === undefined) throw new Finding(`a success without JSON: ${told}`);
    return;
  }
  const problem = json as
    | { code?: string; status?: number; title?: string; detail?: string; type?: string }
    | undefined;
  const isProblem =
    headers.get('content-type') === 'application/problem+json' &&
    problem?.status === status &&
    CODES.get(problem.code ?? '') === status &&
    problem.type === `urn:raft3d:problem:${problem.code}` &&
    typeof problem.title === 'string' &&
    typeof problem.detail === 'string';
  if (!isProblem) throw new Finding(`not a documented problem: ${told}`);
  if (status === 503 && !headers.has('retry-after')) throw new Finding(`no Retry-After: ${told}`);
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1').slice(0, 600));
}
