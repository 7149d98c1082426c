// The request for a load, and its result.

export interface Load {
  /** Without a path. */
  readonly url: string;
  /** What is sent; `load.lua` and `autocannon-load.ts` know each. */
  readonly kind: 'printer' | 'job' | 'status' | 'etcd-put' | 'etcd-range' | 'get' | 'page' | 'padded';
  readonly connections: number;
  readonly seconds: number;
  /** On each connection, after an answer and before the next request; none where it is left out. */
  readonly pauseMs?: number;
  /** Of kinds that want one: the path to get, the key to read in base64, or a number of bytes. */
  readonly path?: string;
  /**
   * Of kinds that name print jobs: the number of the first one that is added or set to Running; of pages, below which
   * number they begin.
   */
  readonly job?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export type LoadResult = {
  readonly requests: number;
  /** Answers of 400 and above, and connections that failed. */
  readonly errors: number;
  /** Without the errors. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};
