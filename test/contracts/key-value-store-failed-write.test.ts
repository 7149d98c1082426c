// LMDB and the journal on a disk that fails once. A real writer runs until a call of it is answered with EIO; whatever that
// leaves must open, hold all that was acknowledged, and every batch whole or not. LMDB undoes a commit whose meta page it
// could not write, but not all of it: the file then looks damaged, and is not (src/engines/raft/storage/check/verify-data-file.ts).

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { verifyDataFile } from '../../src/engines/raft/storage/check/verify-data-file.ts';
import { DATA_FILE_NAME } from '../../src/engines/raft/storage/lmdb/data-file.ts';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type CommandResult, runCommand } from '../../verify/kit/run-command.ts';
import { checkBatches } from './key-value-store-batches.ts';

const WRITER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
/** Then it ends by itself: many more than there are before the call that is to fail. */
const BATCHES = 200;

const parent = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-failed-')));
afterAll(() => fs.rmSync(parent, { recursive: true }));

/** In each thread the call of that number fails, once: of all that are on the data file or the first segments. */
function writeUntilFailure(directory: string, calls: string, number: number): Promise<CommandResult> {
  const files = [DATA_FILE_NAME, 'journal-0000000001', 'journal-0000000002'];
  return runCommand([
    ...(['strace', '-f', '--seccomp-bpf', '-o', '/dev/null'] as const),
    ...files.flatMap((name) => ['-P', path.join(directory, name)]),
    ...['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO:when=${number}`],
    ...[process.execPath, '--import', 'tsx', WRITER, directory, `${BATCHES - 1}`],
  ]);
}

/** Has the call of each number fail, until `isEnough` of what came of it. */
async function failEach(
  calls: string,
  isEnough: (found: { runs: number; takenBack: number }) => boolean,
): Promise<void> {
  const found = { runs: 0, takenBack: 0 };
  for (let number = 2; !isEnough(found); number++) {
    const directory = path.join(parent, `${calls}-${number}`);
    const { code, stdout, stderr } = await writeUntilFailure(directory, calls, number);
    const batches = stdout.split('\n').filter((line) => line !== '');
    const acknowledged = 1 + Math.max(-1, ...batches.map(Number));
    const what = `${calls} ${number}: ${stderr}`;
    expect(code, what).toBe(1);
    expect(stderr).toContain("code: 'storage_failed'");
    const data = path.join(directory, DATA_FILE_NAME);
    if (acknowledged > 0) found.runs += 1;
    if (acknowledged > 0 && verifyDataFile(data).isTakenBack) found.takenBack += 1;
    const store = await openLmdbStore(directory);
    expect(checkBatches(store), what).toBeGreaterThanOrEqual(acknowledged);
    await new Promise<void>((resolve) => store.close(resolve));
    expect(verifyDataFile(data).isTakenBack).toBe(false);
  }
}

test('after a write that failed nothing that was acknowledged is lost', async () => {
  // Of a page of the data file, of its meta page, or of a frame of the journal: in which order the threads decide.
  await failEach('pwrite64', ({ runs, takenBack }) => runs >= 6 && takenBack >= 1);
});

test('nor after a flush that failed', async () => {
  await failEach('fdatasync', ({ runs }) => runs >= 5);
});
