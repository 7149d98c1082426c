// The material of a filament: any name, with one spelling for well-known names.

import { accepted, type Checked } from './checked.ts';
import { checkText } from './text.ts';

const MAX_MATERIAL_CHARACTERS = 64;

/** Recognised in any case, and stored as spelled here. */
const WELL_KNOWN_MATERIALS: ReadonlySet<string> = new Set([
  ...['PLA', 'PLA+', 'PETG', 'PET', 'PCTG', 'CPE', 'ABS', 'ASA', 'HIPS', 'TPU', 'TPE', 'TPC'],
  ...['PC', 'PC-ABS', 'PA', 'PA6', 'PA11', 'PA12', 'NYLON', 'PP', 'POM', 'PMMA', 'PBT', 'PVA', 'PVB', 'BVOH'],
  ...['PEEK', 'PEKK', 'PEI', 'PPS', 'PPSU', 'PSU', 'PVDF', 'PLA-CF', 'PETG-CF', 'PA-CF', 'PA-GF', 'ABS-GF'],
]);

/** Accepts at most 64 characters, trimmed. Well-known names become upper case, others stay as given. */
export function checkMaterial(value: unknown): Checked<string> {
  const checked = checkText(typeof value === 'string' ? value.trim() : value, MAX_MATERIAL_CHARACTERS);
  if (!checked.ok) return checked;
  const upperCase = checked.value.toUpperCase();
  return accepted(WELL_KNOWN_MATERIALS.has(upperCase) ? upperCase : checked.value);
}
