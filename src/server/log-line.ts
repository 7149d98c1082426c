// The lines that a busy node writes most, such as one for every request, put together in one go: pino's way through its
// many options takes several times as long.

import type { LogFields } from '../shared/logger.ts';

/** What stands first on every line. A field of such a name would be there twice. */
export const RESERVED_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'node', 'msg']);

/** The line that pino writes for the same, after a `head` without its closing brace; undefined when the fields take more than to write them down. */
export function plainLine(head: string, message: string, fields: LogFields): string | undefined {
  let isEmpty = true;
  for (const name in fields) {
    if (RESERVED_FIELDS.has(name)) return undefined;
    const value = fields[name];
    if (typeof value === 'object' ? value !== null : !PLAIN_TYPES.has(typeof value)) return undefined;
    isEmpty &&= value === undefined;
  }
  const named = isEmpty ? '' : `,${JSON.stringify(fields).slice(1, -1)}`;
  return `${head}${named},"msg":${JSON.stringify(message)}}\n`;
}

const PLAIN_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'undefined']);
