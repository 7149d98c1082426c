// Fuzzes decoders in this process. Bytes must soon give a value that encodes to the same bytes, or the typed
// error.

import fc from 'fast-check';
import { CodedError } from '../../src/shared/coded-error.ts';
import { areEqual, damaged, damages, joined } from './bytes.ts';
import { checkProperty } from './check-property.ts';
import { CODECS, type Codec } from './codecs.ts';
import { Finding, type Idea } from './idea.ts';
import { withinTime } from './within-time.ts';

const MAX_CASE_MS = 1_000;

interface Case {
  readonly kind: 'whole' | 'damaged' | 'spliced' | 'random';
  readonly bytes: Uint8Array;
}

function casesOf({ encoded }: Codec): fc.Arbitrary<Case> {
  return fc.oneof(
    { weight: 1, arbitrary: encoded.map((bytes): Case => ({ kind: 'whole', bytes })) },
    {
      weight: 8,
      arbitrary: fc
        .tuple(encoded, fc.array(damages, { minLength: 1, maxLength: 3 }))
        .map(([bytes, list]): Case => ({ kind: 'damaged', bytes: list.reduce(damaged, bytes) })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(encoded, encoded, fc.nat({ max: 60 }), fc.nat({ max: 60 })).map(
        ([a, b, from, to]): Case => ({
          kind: 'spliced',
          bytes: joined(a.subarray(0, from), b.subarray(to)),
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes): Case => ({ kind: 'random', bytes })),
    },
  );
}

/** Runs the decoder on `bytes`. Throws for any result but a faithful value or the typed error. */
export function judgeDecoding({ recoded, codes }: Codec, bytes: Uint8Array): 'valid' | 'refused' {
  const given = bytes.slice();
  let again: Uint8Array;
  try {
    again = recoded(bytes);
  } catch (error) {
    if (error instanceof CodedError && codes.includes(error.code) && error.message !== '') return 'refused';
    throw error;
  }
  if (!areEqual(bytes, given)) throw new Finding('the decoder changed its input bytes');
  if (!areEqual(again, bytes)) {
    throw new Finding(`decoded, and encoded again as ${Buffer.from(again).toString('hex')}`);
  }
  return 'valid';
}

export const codecIdeas: readonly Idea[] = CODECS.map((codec) => ({
  target: 'transport',
  name: codec.name,
  weight: codec.name === 'messages' ? 3 : 1,
  roundCases: 5_000,
  async run({ seed, cases, tally }) {
    checkProperty({ seed, runs: cases, arbitrary: casesOf(codec) }, ({ kind, bytes }) => {
      const outcome = withinTime(MAX_CASE_MS, () => judgeDecoding(codec, bytes));
      if (kind === 'whole' && outcome === 'refused') throw new Finding('an encoded value is refused');
      tally.count('transport', { idea: codec.name, kind, outcome });
    });
  },
}));
