// Assigns a function to a stage of a write, by its file.

export const STAGES = [
  'HTTP',
  'validation',
  'encode',
  'queue',
  'disk',
  'network',
  'apply',
  'respond',
  'collector',
  'system',
  'other',
] as const;
export type Stage = (typeof STAGES)[number];

export const STAGE_MEANING: Readonly<Record<Stage, string>> = {
  HTTP: 'reading sockets of clients, parsing and routing requests',
  validation: 'parsing and checking bodies',
  encode: 'encoding and decoding commands, entries and frames; checksums',
  queue: 'gathering and matching proposals, the consensus core, the replica',
  disk: 'handing log and state to the store, on the main thread',
  network: 'sending frames to the other nodes and receiving theirs',
  apply: "the farm's rules on the committed state",
  respond: 'serialising answers and writing them to sockets',
  collector: 'garbage collection',
  system: 'outside JavaScript: the kernel, V8, the event loop itself',
  other: "Node's own JavaScript, timers, logging",
};

/** The first match counts. Without one, the caller's stage counts. */
const RULES: readonly (readonly [Stage, RegExp])[] = [
  ['validation', /\/src\/http\/(?:check-fields|field-problems|json-body|query-string)\.ts$/],
  ['validation', /\/src\/api\//],
  ['validation', /\/src\/farm\/model\/(?:checked|identifier|material|milligrams|text)\.ts$/],
  ['validation', /\/node_modules\/(?:typebox|ajv|fast-uri|secure-json-parse|@fastify\/ajv-compiler)\//],
  ['validation', /\/node_modules\/fastify\/lib\/(?:content-type|validation|schemas)/],
  ['respond', /\/src\/http\/(?:resources|whole-response|error-handler|refusals|list-)/],
  [
    'respond',
    /\/node_modules\/(?:fastify\/lib\/(?:reply|hooks|error-)|fast-json-stringify|@fastify\/fast-json)/,
  ],
  ['respond', /^node:_http_outgoing$/],
  ['HTTP', /\/src\/http\//],
  ['HTTP', /\/node_modules\/(?:fastify|find-my-way|avvio|light-my-request|fast-querystring)\//],
  ['HTTP', /^node:_http/],
  ['encode', /\/src\/engines\/raft\/codec\//],
  ['encode', /\/src\/farm\/commands\/(?:command|fields)\.ts$/],
  ['apply', /\/src\/(?:farm|state)\//],
  ['apply', /\/src\/engines\/raft\/node\/(?:state\/|(?:applier|sessions)\.ts$)/],
  ['disk', /\/src\/engines\/raft\/storage\//],
  ['disk', /\/src\/engines\/raft\/node\/(?:disk-writer\.ts$|log\/)/],
  ['disk', /\/node_modules\/(?:lmdb|@lmdb|msgpackr|ordered-binary|weak-lru-cache)\//],
  ['network', /\/src\/engines\/raft\/transport\//],
  ['queue', /\/src\/engines\//],
  ['other', /\/node_modules\/(?:pino|sonic-boom|thread-stream|fast-redact)\//],
  ['other', /\/src\/server\//],
];

/** `url` is of a source file or of a module of Node.js; it is empty for a function without a source. */
export function stageOf({ url, functionName }: { url: string; functionName: string }): Stage | undefined {
  if (functionName === '(garbage collector)') return 'collector';
  if (functionName === '(program)') return 'system';
  return RULES.find(([, pattern]) => pattern.test(url))?.[0];
}
