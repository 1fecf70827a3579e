import { defineConfig } from 'vitest/config';

// A real browser against a real daemon: `make page-test`.
export default defineConfig({
    test: {
        include: ['browser/*.test.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        // One world after the other: two browsers at once on two processors only wait for each other.
        fileParallelism: false,
    },
});
