import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../support/project-root.ts';
import { sourceFiles } from '../support/source-files.ts';
import { type Import, importsOf } from './imports-of.ts';
import { type Room, readRoomTable } from './room-table.ts';

const ROOMS = readRoomTable(fs.readFileSync(path.join(PROJECT_ROOT, 'ARCHITECTURE.md'), 'utf8'));
const FILES = sourceFiles(['src'], ['.ts']).filter(({ name }) => !name.endsWith('.test.ts'));

function roomOf(file: string): string {
  return file.split('/')[1] ?? '';
}

function isAllowed(room: Room, { target, isRelative, isTypeOnly }: Import): boolean {
  if (!isRelative) return !room.isPure;
  if (!target.startsWith('src/')) return false;
  const targetRoom = roomOf(target);
  if (targetRoom === room.name) return true;
  return room.mayImport.some((permission) => {
    if (permission.kind === 'everything') return true;
    if (permission.room !== targetRoom) return false;
    if (permission.only === 'types') return isTypeOnly;
    return permission.only === undefined || target === `src/${targetRoom}/ports.ts`;
  });
}

describe('who may import whom', () => {
  test('the table names every folder of src, and no other', () => {
    const folders = fs
      .readdirSync(path.join(PROJECT_ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(ROOMS.map(({ name }) => name).sort()).toEqual(folders.sort());
  });

  test('the table gives permission only for rooms that it has', () => {
    const names = new Set(ROOMS.map(({ name }) => name));
    const unknown = ROOMS.flatMap(({ mayImport }) => mayImport).filter(
      (permission) => permission.kind === 'room' && !names.has(permission.room),
    );
    expect(unknown).toEqual([]);
  });

  test.each(ROOMS.map((room) => [room.name, room] as const))(
    'src/%s imports only what the table allows',
    (_, room) => {
      const forbidden = FILES.filter(({ name }) => roomOf(name) === room.name).flatMap((file) =>
        importsOf(file)
          .filter((one) => !isAllowed(room, one))
          .map(({ target }) => `${file.name} imports ${target}`),
      );
      expect(forbidden).toEqual([]);
    },
  );

  test('the check itself sees each kind of import', () => {
    const text = `
      import a, { type B } from './a.ts';
      import type { C } from './c.ts';
      import { type D } from '../raft/d.ts';
      export { e } from './e.ts';
      import './f.ts';
      const g = await import('node:fs');`;
    expect(importsOf({ name: 'src/farm/x.ts', text })).toEqual([
      { target: 'src/farm/a.ts', isRelative: true, isTypeOnly: false },
      { target: 'src/farm/c.ts', isRelative: true, isTypeOnly: true },
      { target: 'src/raft/d.ts', isRelative: true, isTypeOnly: true },
      { target: 'src/farm/e.ts', isRelative: true, isTypeOnly: false },
      { target: 'src/farm/f.ts', isRelative: true, isTypeOnly: false },
      { target: 'node:fs', isRelative: false, isTypeOnly: false },
    ]);
  });

  test('the check itself refuses what breaks the table', () => {
    const [farm, codec, storage] = ['farm', 'codec', 'storage'].map((name) =>
      ROOMS.find((room) => room.name === name),
    );
    if (!farm || !codec || !storage) throw new Error('the table lacks a room');
    const relative = { isRelative: true, isTypeOnly: false };
    expect(isAllowed(farm, { ...relative, target: 'src/raft/log.ts' })).toBe(false);
    expect(isAllowed(farm, { target: 'node:fs', isRelative: false, isTypeOnly: true })).toBe(false);
    expect(isAllowed(codec, { ...relative, target: 'src/raft/entry.ts' })).toBe(false);
    expect(isAllowed(codec, { ...relative, target: 'src/raft/entry.ts', isTypeOnly: true })).toBe(true);
    expect(isAllowed(storage, { ...relative, target: 'src/node/ports.ts' })).toBe(true);
    expect(isAllowed(storage, { ...relative, target: 'src/node/replica.ts' })).toBe(false);
  });
});
