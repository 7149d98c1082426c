// Commands on filaments.

import type { StateView } from '../../state/state-view.ts';
import { type Filament, getFilament, putFilament } from '../model/filament.ts';
import { checkMaterial } from '../model/material.ts';
import { isMilligrams } from '../model/milligrams.ts';
import { MAX_COLOR_CHARACTERS } from '../model/text.ts';
import type { FarmOutcome } from '../outcome.ts';
import { type EncodedFields, isId, isText } from './fields.ts';

/** Encoded as ["f", id, material, color, total, remaining], weights in milligrams. */
export interface AddFilament {
  readonly kind: 'add_filament';
  /** The total is more than 0, and the remaining weight at most the total. */
  readonly filament: Omit<Filament, 'reservedMilligrams'>;
}

export function encodeAddFilament({ filament }: AddFilament): EncodedFields {
  const { id, material, color, totalMilligrams, remainingMilligrams } = filament;
  return ['f', id, material, color, totalMilligrams, remainingMilligrams];
}

export function decodeAddFilament(fields: readonly unknown[]): AddFilament | undefined {
  const [, id, material, color, totalMilligrams, remainingMilligrams] = fields;
  if (fields.length !== 6 || !isId(id)) return undefined;
  if (!isMaterial(material) || !isText(color, MAX_COLOR_CHARACTERS)) return undefined;
  if (!isMilligrams(totalMilligrams) || !isMilligrams(remainingMilligrams)) return undefined;
  if (totalMilligrams === 0 || remainingMilligrams > totalMilligrams) return undefined;
  return { kind: 'add_filament', filament: { id, material, color, totalMilligrams, remainingMilligrams } };
}

export function addFilament(view: StateView, { filament: added }: AddFilament): FarmOutcome {
  const { id } = added;
  if (getFilament(view, id) !== undefined) {
    return { kind: 'refused', code: 'already_exists', resource: 'filament', id };
  }
  const filament: Filament = { ...added, reservedMilligrams: 0 };
  putFilament(view, filament);
  return { kind: 'created', resource: { kind: 'filament', row: filament } };
}

/** Only the spelling that checkMaterial returns is accepted: commands carry the checked value. */
function isMaterial(value: unknown): value is string {
  const checked = checkMaterial(value);
  return checked.ok && checked.value === value;
}
