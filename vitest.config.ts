import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src', 'test', 'verify'].map((folder) => `${folder}/**/*.test.ts`),
          exclude: ['test/e2e/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          // The API's tests once more, on the embedded engine over simulated clock, disk and network.
          name: 'api-on-raft',
          include: ['src/http/**/*.test.ts'],
          env: { RAFT3D_TEST_ENGINE: 'raft' },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          // Real processes with real election timeouts: two files at a time, after everything else.
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['verify/kit/build-first.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
