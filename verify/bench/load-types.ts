// The request for a load, and its result.

export interface Load {
  /** The address of the server, without a path. */
  readonly url: string;
  /** The request that is sent; `load.lua` and `autocannon-load.ts` define each kind. */
  readonly kind: 'printer' | 'job' | 'status' | 'etcd-put' | 'etcd-range' | 'get' | 'page' | 'padded';
  readonly connections: number;
  readonly seconds: number;
  /** A pause on each connection, between an answer and the next request; none by default. */
  readonly pauseMs?: number;
  /** By kind: the path to get, the key to read in base64, or a number of bytes. */
  readonly path?: string;
  /**
   * For kinds that name print jobs: the number of the first job that is added or set to Running. For pages:
   * the number below which they begin.
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
