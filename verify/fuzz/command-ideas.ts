// Fuzzes commands that a peer may bring into the log, in this process. Applying any bytes must not throw,
// must have the same result on every node, and must leave a farm that keeps its rules.

import fc from 'fast-check';
import { applyCommand } from '../../src/farm/apply.ts';
import { type Action, encodeCommand } from '../../src/farm/commands/command.ts';
import { MemoryState } from '../../src/state/memory-state.ts';
import type { Json } from '../../src/state/state-view.ts';
import { FarmInvariants } from '../kit/farm-invariants.ts';
import { Violations } from '../kit/violations.ts';
import { damaged, damages } from './bytes.ts';
import { checkProperty } from './check-property.ts';
import { Finding, type Idea } from './idea.ts';
import { oddTexts } from './odd-text.ts';

const COMMANDS_PER_RUN = 40;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const ids = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: oddTexts },
);
const weights = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 3_000 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0,
      -1,
      0.5,
      1e12,
      1e12 + 1,
      2 ** 53,
      1e308,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ),
  },
);
const times = fc.oneof(
  { weight: 20, arbitrary: fc.nat() },
  { weight: 1, arbitrary: fc.constantFrom(-1, 0, 1.5, 253_402_300_799_999, 253_402_300_800_000, 2 ** 53) },
);
const statuses = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom('Running', 'Done', 'Canceled', 'Failed') },
  { weight: 1, arbitrary: fc.constantFrom('Queued', 'running', 'Cancelled') },
  { weight: 1, arbitrary: oddTexts },
);

const actions = fc.oneof(
  fc.record({
    kind: fc.constant('add_printer'),
    printer: fc.record({ id: ids, company: ids, model: ids }),
  }),
  fc.record({
    kind: fc.constant('add_filament'),
    filament: fc.record({
      id: ids,
      material: ids,
      color: ids,
      totalMilligrams: weights,
      remainingMilligrams: weights,
    }),
  }),
  fc.record({
    kind: fc.constant('add_print_job'),
    printJob: fc.record({
      id: ids,
      printerId: ids,
      filamentId: ids,
      filePath: ids,
      weightMilligrams: weights,
    }),
  }),
  fc.record({ kind: fc.constant('change_print_job_status'), id: ids, status: statuses }),
);

const claims = fc.record({
  key: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('k1', 'k2', '__proto__') },
    { weight: 1, arbitrary: oddTexts },
  ),
  fingerprint: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('f1', 'f2') },
    { weight: 1, arbitrary: oddTexts },
  ),
});

/** Valid in shape, with parts that may be invalid, missing or added. */
const commandTexts = fc
  .tuple(
    times,
    actions,
    fc.option(claims, { nil: undefined, freq: 1 }),
    fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.jsonValue() }),
  )
  .map(([atMs, action, idempotency, extra]) => {
    // The cast is needed for statuses, weights and times that the type does not allow.
    const bytes = encodeCommand({ atMs, action: action as Action, ...(idempotency && { idempotency }) });
    const text = decoder.decode(bytes);
    return extra === undefined ? text : `${text.slice(0, -1)},${JSON.stringify(extra)}]`;
  });

const commands: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: commandTexts.map((text) => encoder.encode(text)) },
  {
    weight: 2,
    arbitrary: fc.tuple(commandTexts, damages).map(([text, damage]) => damaged(encoder.encode(text), damage)),
  },
  {
    weight: 1,
    arbitrary: fc.jsonValue({ maxDepth: 5 }).map((value) => encoder.encode(JSON.stringify(value))),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

/** Records the rows that one command writes. */
class WatchedState extends MemoryState {
  written = new Map<string, string | undefined>();

  override put(key: string, value: Json): void {
    this.written.set(key, JSON.stringify(value));
    super.put(key, value);
  }

  override delete(key: string): void {
    this.written.set(key, undefined);
    super.delete(key);
  }
}

function judge(list: readonly Uint8Array[], count: (outcome: string) => void): void {
  const [state, replica] = [new WatchedState(), new MemoryState()];
  const violations = new Violations();
  const invariants = new FarmInvariants(violations);
  for (const bytes of list) {
    state.written = new Map();
    const outcome = applyCommand(state, bytes);
    const elsewhere = applyCommand(replica, bytes);
    if (JSON.stringify(outcome) !== JSON.stringify(elsewhere))
      throw new Finding('two replicas answer differently');
    const touchesFarm = [...state.written.keys()].some((key) => /^(?:printer|filament|job)\//.test(key));
    if (outcome.kind === 'refused' && touchesFarm)
      throw new Finding(`a command refused as ${outcome.code} wrote rows`);
    invariants.onRows(state.written);
    const [violation] = violations.found;
    if (violation !== undefined) throw new Finding(`${violation.property}: ${violation.message}`);
    count(outcome.kind === 'refused' ? outcome.code : outcome.kind);
  }
  if (state.toText() !== replica.toText()) throw new Finding('two replicas hold different rows');
}

export const commandIdea: Idea = {
  target: 'transport',
  name: 'commands',
  weight: 1,
  roundCases: 5_000,
  async run({ seed, cases, tally }) {
    const runs = Math.ceil(cases / COMMANDS_PER_RUN);
    const arbitrary = fc.array(commands, { minLength: COMMANDS_PER_RUN, maxLength: COMMANDS_PER_RUN });
    checkProperty({ seed, runs, arbitrary }, (list) =>
      judge(list, (outcome) => tally.count('transport', { idea: 'commands', kind: 'applied', outcome })),
    );
  },
};
