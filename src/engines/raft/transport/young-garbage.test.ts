import { afterEach, expect, test, vi } from 'vitest';

const MEBIBYTE = 1024 * 1024;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test('the young objects alone are collected, once for 8 MiB', async () => {
  const gc = vi.fn();
  vi.stubGlobal('gc', gc);
  const { YoungGarbage } = await import('./young-garbage.ts');
  const garbage = new YoungGarbage();
  for (let at = 0; at < 7; at++) garbage.add(MEBIBYTE);
  expect(gc).not.toHaveBeenCalled();
  garbage.add(MEBIBYTE);
  expect(gc.mock.calls).toEqual([[{ type: 'minor' }]]);
  for (let at = 0; at < 8; at++) garbage.add(MEBIBYTE);
  expect(gc).toHaveBeenCalledTimes(2);
});

test('where Node was started without --expose-gc, nothing is asked for', async () => {
  vi.stubGlobal('gc', undefined);
  const { YoungGarbage } = await import('./young-garbage.ts');
  expect(() => new YoungGarbage().add(100 * MEBIBYTE)).not.toThrow();
});
