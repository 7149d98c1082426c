// The node's store on a disk that fails once. A real writer runs until one of its system calls fails with
// EIO. The files that it leaves must open, and hold all acknowledged batches, each whole or not at all. LMDB
// rolls a commit back whose meta page it could not write, but not completely: check/verify-data-file.ts
// recognises such a file.

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
/** The writer ends after this many batches: many more than there are before the call that fails. */
const BATCHES = 200;

const parent = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-failed-')));
afterAll(() => fs.rmSync(parent, { recursive: true }));

/**
 * Makes one call fail in each thread: the call of that `number` among those on the data file or the first
 * segments.
 */
function writeUntilFailure(directory: string, calls: string, number: number): Promise<CommandResult> {
  const files = [DATA_FILE_NAME, 'journal-0000000001', 'journal-0000000002'];
  return runCommand([
    ...(['strace', '-f', '--seccomp-bpf', '-o', '/dev/null'] as const),
    ...files.flatMap((name) => ['-P', path.join(directory, name)]),
    ...['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO:when=${number}`],
    ...[process.execPath, '--import', 'tsx', WRITER, directory, `${BATCHES - 1}`],
  ]);
}

/** Makes the second call fail, then the third and so on, until `isEnough` is true of the results. */
async function failEach(
  calls: string,
  isEnough: (found: { runs: number; rolledBack: number }) => boolean,
): Promise<void> {
  const found = { runs: 0, rolledBack: 0 };
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
    if (acknowledged > 0 && verifyDataFile(data).isRolledBack) found.rolledBack += 1;
    const store = await openLmdbStore(directory);
    expect(checkBatches(store), what).toBeGreaterThanOrEqual(acknowledged);
    await new Promise<void>((resolve) => store.close(resolve));
    expect(verifyDataFile(data).isRolledBack).toBe(false);
  }
}

test('a failed write loses no acknowledged batch', async () => {
  // The write is of a page or a meta page of the data file, or of a frame: the threads decide the order.
  await failEach('pwrite64', ({ runs, rolledBack }) => runs >= 6 && rolledBack >= 1);
});

test('a failed flush loses no acknowledged batch', async () => {
  await failEach('fdatasync', ({ runs }) => runs >= 5);
});
