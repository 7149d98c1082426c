import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Draws } from '../kit/draws.ts';
import { damageFile } from './damage.ts';

const SEEDS = 60;
const bytes = Buffer.alloc(8 * 4_096);
for (let at = 0; at < bytes.length; at += 64) bytes.write('{"filepath":"/models/benchy.gcode"}', at);

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-damage-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** Returns the file after the damage of this seed, and its description. */
function damaged(seed: number): { readonly after: Buffer; readonly said: string } {
  const file = path.join(directory, 'data.mdb');
  fs.writeFileSync(file, bytes);
  const said = damageFile(file, new Draws(seed));
  return { after: fs.readFileSync(file), said };
}

test('every damage changes bits, a sector or the length, and the same seed does the same damage', () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { after, said } = damaged(seed);
    const again = damaged(seed);
    expect([again.said, again.after.equals(after)]).toEqual([said, true]);
    if (after.length < bytes.length) {
      expect(said).toContain(`cut off at ${after.length}`);
      continue;
    }
    const changed: number[] = [];
    for (let at = 0; at < bytes.length; at += 1) if (after[at] !== bytes[at]) changed.push(at);
    const span = (changed.at(-1) ?? Number.NaN) - (changed[0] ?? Number.NaN);
    if (said.startsWith('bit')) expect(changed).toHaveLength(1);
    else if (said.includes('rows')) expect(changed.length).toBeLessThanOrEqual(20);
    else expect(span).toBeLessThan(512);
    expect(changed.length).toBeGreaterThan(0);
  }
});

test('each kind of damage occurs', () => {
  const said = Array.from({ length: SEEDS }, (_, seed) => damaged(seed).said).join('\n');
  for (const words of ['rows', 'in a meta page', 'in used bytes', 'zeros', 'cut off'])
    expect(said).toContain(words);
});
