import { defineConfig } from 'vitest/config';

export default defineConfig({
    test: {
        projects: [
            {
                resolve: { conditions: ['aim-source'] },
                test: { name: 'react-19', include: ['{terminal,page}/tests/**/*.test.{ts,tsx}'] },
            },
            'react-18',
        ],
    },
});
