// Codecs: one table of fields gives both directions, so that reading and writing cannot differ. The fields of
// a record are sent in the order of its table.

import { assert, present } from '../../../shared/assert.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { malformed } from './malformed.ts';

export interface Codec<T> {
  /** Throws AssertionError for a value out of bounds, which is a bug of the caller. */
  readonly write: (writer: ByteWriter, value: T) => void;
  /** Throws CodedError `malformed`. */
  readonly read: (reader: ByteReader) => T;
}

type Fields<T> = { readonly [Name in keyof T]: Codec<T[Name]> };
/** A kind may bring its own codec: one written by hand takes about half the time of a table. */
type Body<T> = Codec<T> | Fields<Omit<T, 'kind'>>;
type Kinds<T extends { kind: string }> = {
  readonly [Kind in T['kind']]: readonly [code: number, Body<Extract<T, { kind: Kind }>>];
};

export const varint: Codec<number> = {
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
};

export const boolean: Codec<boolean> = {
  write: (writer, value) => writer.boolean(value),
  read: (reader) => reader.boolean(),
};

/** Byte strings that are read are views. */
export const byteString: Codec<Uint8Array> = {
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(),
};

export function text(maxBytes: number): Codec<string> {
  return {
    write: (writer, value) => writer.string(value, maxBytes),
    read: (reader) => reader.string(maxBytes),
  };
}

/** One of some names, each sent as its code. */
export function choice<Name extends string>(what: string, codes: Record<Name, number>): Codec<Name> {
  const table = Object.entries<number>(codes) as [Name, number][];
  const names = new Map(table.map(([name, code]) => [code, name]));
  assert(names.size === table.length, `two ${what}s have one code`);
  return {
    write: (writer, name) => writer.u8(codes[name]),
    read: (reader) => {
      const code = reader.u8();
      const name = names.get(code);
      if (name === undefined) throw malformed(`there is no ${what} ${code}`);
      return name;
    },
  };
}

/** At most `maxItems`. Each takes at least `minItemBytes` (≥ 1), so a wrong number reserves no memory. */
export function list<T>(
  item: Codec<T>,
  { maxItems, minItemBytes = 1 }: { maxItems: number; minItemBytes?: number },
): Codec<readonly T[]> {
  const bound = `there are at most ${maxItems} items`;
  return {
    write: (writer, items) => {
      assert(items.length <= maxItems, bound);
      writer.varint(items.length);
      for (const each of items) item.write(writer, each);
    },
    read: (reader) => {
      const items: T[] = [];
      for (let left = reader.count(minItemBytes, maxItems); left > 0; left--) items.push(item.read(reader));
      return items;
    },
  };
}

/** Values that are read also have the `constants`, which are not sent. */
export function record<T extends object>(fields: Fields<T>, constants: object = {}): Codec<T> {
  const table = Object.entries(fields) as [keyof T, Codec<T[keyof T]>][];
  // V8 fills the fields of a copy ten times as fast as it adds fields to an object.
  const template: object = { ...constants, ...Object.fromEntries(table.map(([name]) => [name, undefined])) };
  return {
    write: (writer, value) => {
      for (const [name, field] of table) field.write(writer, value[name]);
    },
    read: (reader) => {
      const value: Partial<T> = { ...template };
      for (const [name, field] of table) value[name] = field.read(reader);
      return value as T;
    },
  };
}

/** One of several records, told apart by their kind, whose code comes first. */
export function union<T extends { kind: string }>(what: string, kinds: Kinds<T>): Codec<T> {
  const table = Object.entries(kinds) as [string, readonly [code: number, Codec<T> | Fields<T>]][];
  const variants = table.map(([kind, [code, body]]) => {
    return { kind, code, codec: isCodec(body) ? body : record(body, { kind }) };
  });
  const byKind = new Map(variants.map((variant) => [variant.kind, variant]));
  const byCode = new Map(variants.map(({ code, codec }) => [code, codec]));
  assert(byCode.size === variants.length, `two ${what}s have one code`);
  return {
    write: (writer, value) => {
      const { code, codec } = present(byKind.get(value.kind), 'every kind has a code');
      writer.u8(code);
      codec.write(writer, value);
    },
    read: (reader) => {
      const code = reader.u8();
      const codec = byCode.get(code);
      if (codec === undefined) throw malformed(`there is no ${what} ${code}`);
      return codec.read(reader);
    },
  };
}

function isCodec<T>(body: Codec<T> | Fields<T>): body is Codec<T> {
  return 'read' in body && typeof body.read === 'function';
}
