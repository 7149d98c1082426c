// One HTTP request to a node, as any client would send it.

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
}

const DEFAULT_TIMEOUT_MS = 20_000;

/** Throws when there is no answer. */
export async function apiRequest(url: string, request: ApiRequest = {}): Promise<ApiAnswer> {
  const response = await fetch(url, {
    method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    signal: AbortSignal.timeout(request.timeoutMs ?? DEFAULT_TIMEOUT_MS),
  });
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? await response.json() : await response.text(),
  };
}
