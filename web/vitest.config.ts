import { defineConfig } from 'vitest/config';

export default defineConfig({
    resolve: { conditions: ['aim-source'] },
    test: { include: ['*/tests/**/*.test.{ts,tsx}'] },
});
