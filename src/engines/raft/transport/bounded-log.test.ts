import { expect, test } from 'vitest';
import type { LogFields, Logger } from '../../../shared/logger.ts';
import { BoundedLog } from './bounded-log.ts';

function recorder(): { lines: [string, LogFields | undefined][]; logger: Logger } {
  const lines: [string, LogFields | undefined][] = [];
  const ignore = (): void => undefined;
  const warn = (message: string, fields?: LogFields): void => void lines.push([message, fields]);
  return { lines, logger: { debug: ignore, info: ignore, warn, error: ignore } };
}

test('a subject is logged once in 30 seconds, then with how many warnings were suppressed', () => {
  const { lines, logger } = recorder();
  let now = 0;
  const log = new BoundedLog(logger, () => now);
  for (now = 0; now < 30_000; now += 10_000) log.warn('a', 'refused', { peer: 'a@1' });
  expect(lines).toEqual([['refused', { peer: 'a@1' }]]);
  log.warn('a', 'refused', { peer: 'a@1' });
  expect(lines[1]).toEqual(['refused', { peer: 'a@1', suppressed: 2 }]);
});

test('subjects do not suppress each other, and with too many the oldest is forgotten', () => {
  const { lines, logger } = recorder();
  const log = new BoundedLog(logger, () => 0);
  for (let host = 0; host <= 256; host++) log.warn(`host ${host}`, 'dropped');
  expect(lines).toHaveLength(257);
  log.warn('host 256', 'dropped');
  expect(lines).toHaveLength(257);
  log.warn('host 0', 'dropped');
  expect(lines).toHaveLength(258);
});
