// A filament, which is one spool, and its row in the replicated state: key `f/<id>`, value [material, color,
// total, remaining, reserved].

import { assert } from '../../shared/assert.ts';
import type { Json, StateReader, StateView } from '../../state/state-view.ts';

/** Invariant F1: 0 ≤ reserved ≤ remaining ≤ total. `putFilament` holds it; test: apply.property.test.ts. */
export type Filament = {
  readonly id: string;
  readonly material: string;
  readonly color: string;
  readonly totalMilligrams: number;
  /** The weight that is on the spool. */
  readonly remainingMilligrams: number;
  /** Invariant F2: the sum of the weights of this filament's Queued and Running jobs. */
  readonly reservedMilligrams: number;
};

export const FILAMENT_PREFIX = 'f/';

type FilamentRow = readonly [
  material: string,
  color: string,
  totalMilligrams: number,
  remainingMilligrams: number,
  reservedMilligrams: number,
];

export function availableMilligrams(filament: Filament): number {
  return filament.remainingMilligrams - filament.reservedMilligrams;
}

export function getFilament(reader: StateReader, id: string): Filament | undefined {
  const row = reader.get(FILAMENT_PREFIX + id);
  return row === undefined ? undefined : filamentFrom(id, row);
}

export function filamentFrom(id: string, row: Json): Filament {
  const [material, color, totalMilligrams, remainingMilligrams, reservedMilligrams] = row as FilamentRow;
  return { id, material, color, totalMilligrams, remainingMilligrams, reservedMilligrams };
}

/** For tests: they write rows that break invariants. */
export function filamentRowOf(filament: Filament): FilamentRow {
  const { material, color, totalMilligrams, remainingMilligrams, reservedMilligrams } = filament;
  return [material, color, totalMilligrams, remainingMilligrams, reservedMilligrams];
}

/** Holds invariant F1. */
export function putFilament(view: StateView, filament: Filament): void {
  const { id, totalMilligrams, remainingMilligrams, reservedMilligrams } = filament;
  assert(reservedMilligrams >= 0, `filament ${id} has a negative reservation`);
  assert(reservedMilligrams <= remainingMilligrams, `filament ${id} has more reserved than remaining`);
  assert(remainingMilligrams <= totalMilligrams, `filament ${id} has more remaining than its total`);
  view.put(FILAMENT_PREFIX + id, filamentRowOf(filament));
}
