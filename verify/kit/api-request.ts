// One HTTP request to a node, as any client would send it.

import { checkAnswer } from './contract-check.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if the answer is JSON, otherwise text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of any answer
  readonly body: any;
}

export interface ApiRequest {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** For servers that are not Raft3D. */
  readonly hasContract?: boolean;
}

const DEFAULT_TIMEOUT_MS = 20_000;

/** Throws when there is no answer. */
export async function apiRequest(url: string, request: ApiRequest = {}): Promise<ApiAnswer> {
  const method = request.method ?? (request.body === undefined ? 'GET' : 'POST');
  const response = await fetch(url, {
    method,
    headers: {
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    signal: AbortSignal.timeout(request.timeoutMs ?? DEFAULT_TIMEOUT_MS),
  });
  const { status, headers } = response;
  const text = await response.text();
  if (request.hasContract !== false) checkAnswer({ method, url, status, headers, text });
  const isJson = headers.get('content-type')?.includes('json') ?? false;
  return { status, headers, body: isJson ? JSON.parse(text) : text };
}
