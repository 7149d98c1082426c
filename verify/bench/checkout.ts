// A built checkout of this project: the program its nodes run, and the flags that its launcher gives Node.js.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { MAIN } from '../kit/node-process.ts';

export interface Checkout {
  /** The built program. */
  readonly main: string;
  /** For Node.js, before the program. */
  readonly nodeFlags: readonly string[];
}

export const THIS_CHECKOUT: Checkout = { main: MAIN, nodeFlags: NODE_FLAGS };

/** Reads the checkout in `directory`. Throws where it is not built, or where its flags cannot be found. */
export async function readCheckout(directory: string): Promise<Checkout> {
  const main = path.resolve(directory, 'dist', 'server', 'main.js');
  if (!fs.existsSync(main)) {
    throw new Error(`${main} does not exist: run \`node scripts/build.mjs\` in ${directory} first`);
  }
  const launcher = path.resolve(directory, 'raft3d');
  const nodeFlags = launcherFlags(fs.readFileSync(launcher, 'utf8')) ?? (await builtFlags(main));
  if (nodeFlags === undefined) throw new Error(`the flags for Node.js were not found in ${launcher}`);
  return { main, nodeFlags };
}

/** The flags in the line of the launcher that starts the program; undefined where there is no such line. */
export function launcherFlags(launcher: string): string[] | undefined {
  const [, flags] = /^exec node ((?:--\S+ )*)\S*dist\/server\/main\.js/m.exec(launcher) ?? [];
  return flags?.split(' ').filter((flag) => flag !== '');
}

async function builtFlags(main: string): Promise<readonly string[] | undefined> {
  const file = path.join(path.dirname(main), 'node-flags.js');
  if (!fs.existsSync(file)) return undefined;
  const { NODE_FLAGS: flags } = (await import(
    pathToFileURL(file).href
  )) as typeof import('../../src/server/node-flags.ts');
  return flags;
}
