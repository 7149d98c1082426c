import { expect, test } from 'vitest';
import type { LogFields, Logger } from '../../../shared/logger.ts';
import { BoundedLog } from './bounded-log.ts';

function recorder(): { lines: [string, LogFields | undefined][]; logger: Logger } {
  const lines: [string, LogFields | undefined][] = [];
  const ignore = (): void => undefined;
  const warn = (message: string, fields?: LogFields): void => void lines.push([message, fields]);
  return { lines, logger: { debug: ignore, info: ignore, warn, error: ignore } };
}

test('a subject is said once in 30 seconds, then with how often it was not said', () => {
  const { lines, logger } = recorder();
  let now = 0;
  const log = new BoundedLog(logger, () => now);
  for (now = 0; now < 30_000; now += 10_000) log.warn('a', 'refused', { peer: 'a@1' });
  expect(lines).toEqual([['refused', { peer: 'a@1' }]]);
  log.warn('a', 'refused', { peer: 'a@1' });
  expect(lines[1]).toEqual(['refused', { peer: 'a@1', unsaidSince: 2 }]);
});

test('subjects do not silence each other, and the oldest is forgotten when there are too many', () => {
  const { lines, logger } = recorder();
  const log = new BoundedLog(logger, () => 0);
  for (let host = 0; host <= 256; host++) log.warn(`host ${host}`, 'dropped');
  expect(lines).toHaveLength(257);
  log.warn('host 256', 'dropped');
  expect(lines).toHaveLength(257);
  log.warn('host 0', 'dropped');
  expect(lines).toHaveLength(258);
});
