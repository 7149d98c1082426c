// Reads the import table of ARCHITECTURE.md, so that the document and the test cannot differ.

/** One row of the table. A room is a folder with those subfolders that have no row of their own. */
export interface Room {
  /** From the project's root: `src/engines/raft/core`. */
  readonly name: string;
  readonly isPure: boolean;
  readonly mayImport: readonly Permission[];
}

type Permission =
  | { readonly kind: 'everything' }
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'room'; readonly room: string; readonly only: 'types' | undefined };

export function readRoomTable(markdown: string): Room[] {
  const rows = markdown.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const names = [...(cells[1] ?? '').matchAll(/`((?:src|verify)\/[a-z/-]+)`/g)].map(
      (match) => match[1] ?? '',
    );
    return names.map((name) => ({ name, about: cells[2] ?? '', permissions: cells[3] ?? '' }));
  });
  return rows.map(({ name, about, permissions }) => ({
    name,
    isPure: about.startsWith('PURE'),
    mayImport: readPermissions(permissions),
  }));
}

/** Returns the innermost room that holds the file, or undefined when no room does. */
export function roomOf(rooms: readonly Room[], file: string): Room | undefined {
  const holding = rooms.filter(({ name }) => file.startsWith(`${name}/`));
  return holding.sort((a, b) => b.name.length - a.name.length)[0];
}

/**
 * Reads `nothing`, `everything`, or room names below `src`. `types of a and b` allows only type imports.
 * `package p` lets a pure room import that package; other rooms may import any package.
 */
function readPermissions(text: string): Permission[] {
  if (text === 'nothing') return [];
  if (text === 'everything') return [{ kind: 'everything' }];
  return text.split(', ').flatMap((part): Permission[] => {
    const name = /^package (.+)$/.exec(part)?.[1];
    if (name !== undefined) return [{ kind: 'package', name }];
    const types = /^types of (.+)$/.exec(part)?.[1];
    const names = types === undefined ? [part] : types.split(' and ');
    return names.map((name) => ({
      kind: 'room',
      room: `src/${name}`,
      only: types === undefined ? undefined : 'types',
    }));
  });
}
