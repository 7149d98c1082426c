// What a filament is made of: any name, and one spelling for the names that everybody knows.

import { accepted, type Checked } from './checked.ts';
import { checkText } from './text.ts';

export const MAX_MATERIAL_CHARACTERS = 64;

/** Recognised in any case and stored like this. */
const WELL_KNOWN_MATERIALS: ReadonlySet<string> = new Set([
  ...['PLA', 'PLA+', 'PETG', 'PET', 'PCTG', 'CPE', 'ABS', 'ASA', 'HIPS', 'TPU', 'TPE', 'TPC'],
  ...['PC', 'PC-ABS', 'PA', 'PA6', 'PA11', 'PA12', 'NYLON', 'PP', 'POM', 'PMMA', 'PBT', 'PVA', 'PVB', 'BVOH'],
  ...['PEEK', 'PEKK', 'PEI', 'PPS', 'PPSU', 'PSU', 'PVDF', 'PLA-CF', 'PETG-CF', 'PA-CF', 'PA-GF', 'ABS-GF'],
]);

/** Trimmed, at most 64 characters; well-known names in upper case, others as given. */
export function checkMaterial(value: unknown): Checked<string> {
  const checked = checkText(typeof value === 'string' ? value.trim() : value, MAX_MATERIAL_CHARACTERS);
  if (!checked.ok) return checked;
  const upperCase = checked.value.toUpperCase();
  return accepted(WELL_KNOWN_MATERIALS.has(upperCase) ? upperCase : checked.value);
}
