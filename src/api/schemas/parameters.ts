// Query strings and headers of reads, lists and writes.

import { Type } from 'typebox';
import { EXACT, id } from './values.ts';

export const MAX_LIST_LIMIT = 1_000;

const consistency = Type.Optional(
  Type.Literal('stale', {
    description: 'Read what this node has, at once. Left out, the read is linearizable and needs a majority.',
  }),
);

export const NoQuery = Type.Object({}, EXACT);
export const ReadQuery = Type.Object({ consistency }, EXACT);

export const LIST_PARAMETERS = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIST_LIMIT,
      description: 'At most this many rows. Left out, the list comes whole.',
      examples: [100],
    }),
  ),
  after: Type.Optional(id({ description: 'Only ids after this one.', examples: ['a'] })),
  consistency,
};
export const ListQuery = Type.Object(LIST_PARAMETERS, EXACT);

export const StaleHeaders = {
  'Raft3D-Staleness-Ms': Type.Optional(
    Type.String({
      pattern: '^(?:[0-9.]+|unknown)$',
      description: 'With consistency=stale: how long ago this node last knew its state to be current.',
      examples: ['12'],
    }),
  ),
  'Raft3D-Applied-Index': Type.Optional(
    Type.String({
      pattern: '^[0-9]+$',
      description: 'With consistency=stale: the last log entry in this node’s state.',
      examples: ['42'],
    }),
  ),
};

/** Lists of up to a megabyte have an ETag; a longer list is streamed without one. */
export const ETag = Type.String({
  description: 'Of the list’s bytes, the same from every node. Send it back as If-None-Match.',
  examples: ['"SBzdGxY5nsgHZTG1JJiBJ5Md4_8"'],
});
export const CacheControl = Type.Literal('no-cache');
export const Link = Type.String({
  description: 'The next page, with every parameter kept.',
  examples: ['</api/v1/printers?limit=100&after=a>; rel="next"'],
});

export const IdempotencyKey = Type.Optional(
  Type.String({
    pattern: '^[!-~]{1,255}$',
    description:
      'Visible ASCII characters, new for each write. A write that is sent again with its key happens once.',
    examples: ['5f2c9a'],
  }),
);
