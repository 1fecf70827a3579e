import { defineConfig } from 'vitest/config';

// Firefox against a real daemon: `make firefox-test`.
export default defineConfig({
    test: {
        include: ['browser/firefox/*.test.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
    },
});
