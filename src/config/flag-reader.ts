// Reads the given flags, and the defaults of the others, by kind.

import { type Address, parseAddress } from '../shared/address.ts';
import { CodedError } from '../shared/coded-error.ts';
import { parseDurationMs } from './duration.ts';
import { FLAGS, type FlagName } from './flag-table.ts';
import { type FlagValues, usageError } from './go-flags.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Hosts that mean every address of this machine. A node can listen on them, but nobody can dial them. */
const LISTEN_ALL_HOST = /^[0.:]*$/;

export function listensOnEveryAddress(address: Address): boolean {
  return LISTEN_ALL_HOST.test(address.host);
}

/** Reads the value of `-flag`. Throws CodedError `usage` unless it is an address with a port. */
export function readAddress(flag: FlagName, text: string): Address {
  const address = parseFlagAddress(flag, text);
  if (address.port === 0) throw usageError(`-${flag} needs a port from 1 to 65535, not "${text}"`, flag);
  return address;
}

function parseFlagAddress(flag: FlagName, value: string): Address {
  try {
    return parseAddress(value);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'bad_address') {
      throw new CodedError('usage', `-${flag}: ${error.message}`, { fields: { flag }, cause: error });
    }
    throw error;
  }
}

const DEFAULTS: FlagValues = new Map(FLAGS.map(({ name, defaultValue }) => [name, defaultValue]));

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

  filled(name: FlagName): string {
    const value = this.text(name);
    if (value === '') throw usageError(`-${name} may not be empty`, name);
    return value;
  }

  bool(name: FlagName): boolean {
    return this.text(name) === 'true';
  }

  address(name: FlagName): Address {
    return readAddress(name, this.text(name));
  }

  dialableAddress(name: FlagName): Address {
    const address = this.address(name);
    if (listensOnEveryAddress(address)) {
      throw usageError(`-${name} needs a host that other machines can dial, not "${this.text(name)}"`, name);
    }
    return address;
  }

  durationMs(name: FlagName): number {
    const value = this.text(name);
    const durationMs = parseDurationMs(value);
    if (durationMs === undefined) {
      throw usageError(`-${name} is a duration such as 500ms, 90s or 4m, not "${value}"`, name);
    }
    return durationMs;
  }

  count(name: FlagName, { min, max }: { min: number; max: number }): number {
    const value = this.text(name);
    const count = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(count >= min && count <= max)) {
      throw usageError(`-${name} is a whole number from ${min} to ${max}, not "${value}"`, name);
    }
    return count;
  }

  level(name: FlagName): LogLevel {
    const value = this.text(name);
    const level = LOG_LEVELS.find((known) => known === value);
    if (level === undefined) {
      throw usageError(`-${name} is one of ${LOG_LEVELS.join(', ')}, not "${value}"`, name);
    }
    return level;
  }
}
