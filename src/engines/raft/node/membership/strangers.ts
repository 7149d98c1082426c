// Servers that are in no known configuration: those that said hello, and those that were introduced.

import type { ServerId } from '../../core/configuration.ts';

const MAX_STRANGERS = 16;

/** Remembers the stranger as the latest of its map, and forgets the oldest above the bound. */
export function rememberStranger(
  strangers: Map<ServerId, string>,
  [server, value]: readonly [ServerId, string],
): void {
  strangers.delete(server);
  strangers.set(server, value);
  if (strangers.size <= MAX_STRANGERS) return;
  const [oldest] = strangers.keys();
  if (oldest !== undefined) strangers.delete(oldest);
}
