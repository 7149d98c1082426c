import { expect, test } from 'vitest';
import { stageShares } from './profile.ts';
import { stageOf } from './stage-of.ts';

const ROOT = 'file:///srv/raft3d';

test.each([
  [`${ROOT}/src/http/routes/printers.ts`, 'HTTP'],
  [`${ROOT}/src/http/check-fields.ts`, 'validation'],
  [`${ROOT}/src/engines/raft/codec/crc32.ts`, 'encode'],
  [`${ROOT}/src/engines/raft/core/raft-core.ts`, 'queue'],
  [`${ROOT}/src/engines/raft/node/applier.ts`, 'apply'],
  [`${ROOT}/src/engines/raft/node/proposals.ts`, 'queue'],
  [`${ROOT}/src/engines/raft/storage/lmdb-store.ts`, 'disk'],
  [`${ROOT}/node_modules/lmdb/dist/index.cjs`, 'disk'],
  [`${ROOT}/src/engines/raft/transport/peer-link.ts`, 'network'],
  [`${ROOT}/node_modules/fastify/lib/reply.js`, 'respond'],
  ['node:_http_server', 'HTTP'],
  ['node:internal/timers', undefined],
  ['', undefined],
])('a function in %s belongs to the stage %s', (url, stage) => {
  expect(stageOf({ url, functionName: 'f' })).toBe(stage);
});

test('time counts for the stage of the function or of its caller; idle time counts nowhere', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 0, columnNumber: 0 });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 3, 5, 6] },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: frame('append', `${ROOT}/src/engines/raft/core/log.ts`), children: [4] },
      { id: 4, callFrame: frame('writev'), children: [7] },
      { id: 5, callFrame: frame('(garbage collector)') },
      { id: 6, callFrame: frame('(program)') },
      { id: 7, callFrame: frame('crc32', `${ROOT}/src/engines/raft/codec/crc32.ts`) },
    ],
    samples: [2, 3, 4, 5, 6, 7, 3],
    timeDeltas: [500, 100, 100, 100, 50, 50, 100],
  };
  expect(stageShares(profile)).toEqual(
    new Map([
      ['queue', 0.6],
      ['collector', 0.2],
      ['system', 0.1],
      ['encode', 0.1],
    ]),
  );
});
