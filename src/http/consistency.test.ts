import { expect, test } from 'vitest';
import { createTestApp, stockShop } from './testing/app.ts';

const READS = [
  '/api/v1/printers',
  '/api/v1/printers/p',
  '/api/v1/filaments',
  '/api/v1/filaments/f',
  '/api/v1/print_jobs',
];

test.each(READS)(
  'without a quorum %s answers 503 with Retry-After, and a stale read still answers',
  async (url) => {
    const { app, engine } = createTestApp();
    await stockShop(app);
    engine.trouble = 'no-leader';
    engine.staleMs = 1_234;
    const refused = await app.inject(url);
    expect([refused.statusCode, refused.json().code]).toEqual([503, 'no_leader']);
    expect(refused.headers['retry-after']).toBe('1');
    const stale = await app.inject(`${url}?consistency=stale`);
    expect(stale.statusCode).toBe(200);
    expect(stale.headers['raft3d-staleness-ms']).toBe('1234');
    expect(stale.headers['raft3d-applied-index']).toBe(String(engine.position()));
  },
);

test('a node that never knew its state to be current answers with an unknown staleness', async () => {
  const { app, engine } = createTestApp();
  engine.staleMs = undefined;
  const stale = await app.inject('/api/v1/printers?consistency=stale');
  expect(stale.headers['raft3d-staleness-ms']).toBe('unknown');
});

test.each(['strong', '', 'Stale', 'stale&consistency=stale'])('consistency=%s is refused', async (value) => {
  const { app } = createTestApp();
  for (const url of READS) {
    const answer = await app.inject(`${url}?consistency=${value}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field: 'consistency' }] });
  }
});
