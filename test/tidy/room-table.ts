// Reads who may import whom from the table in ARCHITECTURE.md, so that the table and the test cannot part.

export interface Room {
  /** `raft` for `src/raft`. */
  readonly name: string;
  readonly isPure: boolean;
  readonly mayImport: readonly Permission[];
}

export type Permission =
  | { readonly kind: 'everything' }
  | { readonly kind: 'room'; readonly room: string; readonly only: 'types' | 'ports' | undefined };

export function readRoomTable(markdown: string): Room[] {
  return markdown.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const names = [...(cells[1] ?? '').matchAll(/`src\/([a-z-]+)`/g)].map((match) => match[1] ?? '');
    return names.map((name) => ({
      name,
      isPure: (cells[2] ?? '').startsWith('PURE'),
      mayImport: readPermissions(cells[3] ?? ''),
    }));
  });
}

/** `nothing`, `everything`, or rooms by name; `types of a and b` and `a's ports` say that it is only these. */
function readPermissions(text: string): Permission[] {
  if (text === 'nothing') return [];
  if (text === 'everything') return [{ kind: 'everything' }];
  return text.split(', ').flatMap((part): Permission[] => {
    const types = /^types of (.+)$/.exec(part)?.[1];
    if (types !== undefined)
      return types.split(' and ').map((room) => ({ kind: 'room', room, only: 'types' }));
    const ports = /^([a-z]+)'s ports$/.exec(part)?.[1];
    if (ports !== undefined) return [{ kind: 'room', room: ports, only: 'ports' }];
    return [{ kind: 'room', room: part, only: undefined }];
  });
}
