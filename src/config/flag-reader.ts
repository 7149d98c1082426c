// Reads the given flags, and the defaults of the others, by kind.

import { type Address, parseAddress } from '../shared/address.ts';
import { asError, CodedError } from '../shared/coded-error.ts';
import { parseDurationMs } from './duration.ts';
import { FLAGS, type FlagName } from './flag-table.ts';
import { type FlagValues, flagError } from './go-flags.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Hosts that mean every address of this machine. A node can listen on them, but nobody can dial them. */
const LISTEN_ALL_HOST = /^[0.:]*$/;

export function listensOnEveryAddress(address: Address): boolean {
  return LISTEN_ALL_HOST.test(address.host);
}

/** Reads the value of `-flag`. Throws CodedError `usage` unless it is an address with a port. */
export function readAddress(flag: FlagName, text: string): Address {
  let address: Address;
  try {
    address = parseAddress(text);
  } catch (cause) {
    throw new CodedError('usage', `-${flag}: ${asError(cause).message}`, { fields: { flag }, cause });
  }
  if (address.port === 0) throw flagError(flag, `needs a port from 1 to 65535, not "${text}"`);
  return address;
}

const DEFAULTS: FlagValues = new Map(FLAGS.map(([name, , defaultValue]) => [name, defaultValue]));

/** Every method throws CodedError `usage` when the value is not of its kind. */
export class FlagReader {
  readonly #given: FlagValues;

  constructor(given: FlagValues) {
    this.#given = given;
  }

  has(name: FlagName): boolean {
    return this.#given.has(name);
  }

  text(name: FlagName): string {
    return this.#given.get(name) ?? DEFAULTS.get(name) ?? '';
  }

  bool(name: FlagName): boolean {
    return this.text(name) === 'true';
  }

  filled(name: FlagName): string {
    const text = this.text(name);
    if (text === '') throw flagError(name, 'may not be empty');
    return text;
  }

  address(name: FlagName): Address {
    return readAddress(name, this.text(name));
  }

  dialableAddress(name: FlagName): Address {
    const address = this.address(name);
    if (!listensOnEveryAddress(address)) return address;
    throw flagError(name, `needs a host that other machines can dial, not "${this.text(name)}"`);
  }

  durationMs(name: FlagName): number {
    return this.#parse(name, 'a duration such as 500ms, 90s or 4m', parseDurationMs);
  }

  count(name: FlagName, { min, max }: { min: number; max: number }): number {
    return this.#parse(name, `a whole number from ${min} to ${max}`, (text) => {
      const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
      return count >= min && count <= max ? count : undefined;
    });
  }

  level(name: FlagName): LogLevel {
    return this.#parse(name, `one of ${LOG_LEVELS.join(', ')}`, (text) =>
      LOG_LEVELS.find((level) => level === text),
    );
  }

  #parse<T>(name: FlagName, kind: string, parse: (text: string) => T | undefined): T {
    const text = this.text(name);
    const value = parse(text);
    if (value === undefined) throw flagError(name, `is ${kind}, not "${text}"`);
    return value;
  }
}
