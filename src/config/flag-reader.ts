// The flags that were given and the defaults of the others, read by kind.

import { type Address, parseAddress } from '../shared/address.ts';
import { CodedError } from '../shared/coded-error.ts';
import { parseDurationMs } from './duration.ts';
import { type FlagDefinition, type FlagValues, usageError } from './go-flags.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every address of the machine: good to listen on, nothing that another machine could dial. */
const LISTEN_ALL_HOST = /^[0.:]*$/;

export function listensOnEveryAddress(address: Address): boolean {
  return LISTEN_ALL_HOST.test(address.host);
}

/** Reads `text`, which came with `-flag`; CodedError `usage` unless it is an address with a port of its own. */
export function readAddress(flag: string, text: string): Address {
  const address = parseFlagAddress(flag, text);
  if (address.port === 0) throw usageError(`-${flag} needs a port from 1 to 65535, not "${text}"`, flag);
  return address;
}

function parseFlagAddress(flag: string, value: string): Address {
  try {
    return parseAddress(value);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'bad_address') {
      throw new CodedError('usage', `-${flag}: ${error.message}`, { fields: { flag }, cause: error });
    }
    throw error;
  }
}

/** Every method throws CodedError `usage` when the value is not of its kind. */
export class FlagReader {
  readonly #given: FlagValues;
  readonly #defaults: FlagValues;

  constructor(given: FlagValues, definitions: readonly FlagDefinition[]) {
    this.#given = given;
    this.#defaults = new Map(definitions.map(({ name, defaultValue }) => [name, defaultValue]));
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  text(name: string): string {
    return this.#given.get(name) ?? this.#defaults.get(name) ?? '';
  }

  filled(name: string): string {
    const value = this.text(name);
    if (value === '') throw usageError(`-${name} may not be empty`, name);
    return value;
  }

  bool(name: string): boolean {
    return this.text(name) === 'true';
  }

  address(name: string): Address {
    return readAddress(name, this.text(name));
  }

  dialableAddress(name: string): Address {
    const address = this.address(name);
    if (listensOnEveryAddress(address)) {
      throw usageError(`-${name} needs a host that other machines can dial, not "${this.text(name)}"`, name);
    }
    return address;
  }

  durationMs(name: string): number {
    const value = this.text(name);
    const durationMs = parseDurationMs(value);
    if (durationMs === undefined) {
      throw usageError(`-${name} is a duration such as 500ms, 90s or 4m, not "${value}"`, name);
    }
    return durationMs;
  }

  count(name: string, { min, max }: { min: number; max: number }): number {
    const value = this.text(name);
    const count = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(count >= min && count <= max)) {
      throw usageError(`-${name} is a whole number from ${min} to ${max}, not "${value}"`, name);
    }
    return count;
  }

  level(name: string): LogLevel {
    const value = this.text(name);
    const level = LOG_LEVELS.find((known) => known === value);
    if (level === undefined) {
      throw usageError(`-${name} is one of ${LOG_LEVELS.join(', ')}, not "${value}"`, name);
    }
    return level;
  }
}
