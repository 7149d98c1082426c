import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { sourceFiles } from '../../verify/kit/source-files.ts';
import { type Import, importsOf } from './imports-of.ts';
import { type Room, readRoomTable, roomOf } from './room-table.ts';

const ROOMS = readRoomTable(fs.readFileSync(path.join(PROJECT_ROOT, 'ARCHITECTURE.md'), 'utf8'));
const FILES = sourceFiles(['src'], ['.ts']).filter(({ name }) => !name.endsWith('.test.ts'));
/** Declarations for the compiler only. */
const OUTSIDE_ROOMS = ['src/pure-globals.d.ts'];

/** Test doubles in a `testing` folder may import whatever the tests of their room may. */
function isTestDouble(file: string): boolean {
  return file.includes('/testing/');
}

function isAllowed(room: Room, { target, isRelative, isTypeOnly }: Import): boolean {
  if (!isRelative) return !room.isPure || hasPackage(room, target);
  const targetRoom = roomOf(ROOMS, target);
  if (targetRoom === undefined || isTestDouble(target)) return false;
  if (targetRoom.name === room.name) return true;
  return room.mayImport.some((permission) => {
    if (permission.kind === 'everything') return true;
    if (permission.kind === 'package') return false;
    return permission.room === targetRoom.name && (permission.only === undefined || isTypeOnly);
  });
}

function hasPackage({ mayImport }: Room, target: string): boolean {
  return mayImport.some((permission) => permission.kind === 'package' && permission.name === target);
}

describe('which room may import which', () => {
  test('every source file is in a room', () => {
    const homeless = FILES.map(({ name }) => name).filter((name) => roomOf(ROOMS, name) === undefined);
    expect(homeless).toEqual(OUTSIDE_ROOMS);
  });

  test('every room has files', () => {
    const inhabited = new Set(FILES.map(({ name }) => roomOf(ROOMS, name)?.name));
    expect(ROOMS.map(({ name }) => name).filter((name) => !inhabited.has(name))).toEqual([]);
  });

  test('the table gives permission only for rooms that it has', () => {
    const names = new Set(ROOMS.map(({ name }) => name));
    const unknown = ROOMS.flatMap(({ mayImport }) => mayImport).filter(
      (permission) => permission.kind === 'room' && !names.has(permission.room),
    );
    expect(unknown).toEqual([]);
  });

  test.each(ROOMS.map((room) => [room.name, room] as const))(
    '%s imports only what the table allows',
    (_, room) => {
      const forbidden = FILES.filter(
        ({ name }) => roomOf(ROOMS, name) === room && !isTestDouble(name),
      ).flatMap((file) =>
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
      const g = await import('node:fs');
      type H = typeof import('./h.ts');`;
    expect(importsOf({ name: 'src/farm/x.ts', text })).toEqual([
      { target: 'src/farm/a.ts', isRelative: true, isTypeOnly: false },
      { target: 'src/farm/c.ts', isRelative: true, isTypeOnly: true },
      { target: 'src/raft/d.ts', isRelative: true, isTypeOnly: true },
      { target: 'src/farm/e.ts', isRelative: true, isTypeOnly: false },
      { target: 'src/farm/f.ts', isRelative: true, isTypeOnly: false },
      { target: 'node:fs', isRelative: false, isTypeOnly: false },
      { target: 'src/farm/h.ts', isRelative: true, isTypeOnly: true },
    ]);
  });

  test('the check itself refuses imports that the table does not allow', () => {
    const [api, farm, codec, storage] = ['api', 'farm', 'engines/raft/codec', 'engines/raft/storage'].map(
      (name) => ROOMS.find((room) => room.name === `src/${name}`),
    );
    if (!api || !farm || !codec || !storage) throw new Error('the table lacks a room');
    const relative = { isRelative: true, isTypeOnly: false };
    expect(isAllowed(farm, { ...relative, target: 'src/engines/raft/core/log.ts' })).toBe(false);
    expect(isAllowed(farm, { target: 'node:fs', isRelative: false, isTypeOnly: true })).toBe(false);
    const typebox = { target: 'typebox', isRelative: false, isTypeOnly: false };
    expect([isAllowed(api, typebox), isAllowed(farm, typebox)]).toEqual([true, false]);
    const entry = { ...relative, target: 'src/engines/raft/core/entry.ts' };
    expect(isAllowed(codec, entry)).toBe(false);
    expect(isAllowed(codec, { ...entry, isTypeOnly: true })).toBe(true);
    expect(isAllowed(storage, { ...relative, target: 'src/engines/raft/node/ports/clock.ts' })).toBe(true);
    expect(isAllowed(storage, { ...relative, target: 'src/engines/raft/node/replica.ts' })).toBe(false);
    expect(isAllowed(farm, { ...relative, target: 'src/farm/testing/commands.ts' })).toBe(false);
  });
});
