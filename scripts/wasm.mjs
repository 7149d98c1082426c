// Compiles leaf-check.wat of src/engines/raft/storage/check into leaf-check-module.ts, or with --print to
// standard output. Run it after a change of the source; a test compares both.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import openWabt from 'wabt';

const CHECK = path.join(
  path.dirname(path.dirname(fileURLToPath(import.meta.url))),
  'src',
  'engines',
  'raft',
  'storage',
  'check',
);
const LINE_CHARACTERS = 96;

/** Returns the binary of a module in text format. Throws when the text is not valid. */
async function compiled(file) {
  const wabt = await openWabt();
  const module = wabt.parseWat(path.basename(file), fs.readFileSync(file, 'utf8'));
  try {
    module.resolveNames();
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** Returns the text of leaf-check-module.ts. */
async function leafCheckModule() {
  const binary = await compiled(path.join(CHECK, 'leaf-check.wat'));
  const lines = Buffer.from(binary)
    .toString('base64')
    .match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g'));
  return [
    '// Made of leaf-check.wat by `npm run wasm`.',
    '',
    '/** A module of WebAssembly, in base64. */',
    'export const LEAF_CHECK_MODULE =',
    ...lines.map((line, at) => `  '${line}'${at < lines.length - 1 ? ' +' : ';'}`),
    '',
  ].join('\n');
}

const text = await leafCheckModule();
if (process.argv.includes('--print')) process.stdout.write(text);
else fs.writeFileSync(path.join(CHECK, 'leaf-check-module.ts'), text);
