import { fileURLToPath } from 'node:url';

import { defineProject } from 'vitest/config';

// The component's own imports, too, are to find this React.
const here = (name: string): string =>
    fileURLToPath(new URL(`node_modules/${name}`, import.meta.url));

export default defineProject({
    resolve: {
        alias: { react: here('react'), 'react-dom': here('react-dom') },
        conditions: ['aim-source'],
    },
    test: { name: 'react-18', include: ['tests/**/*.test.tsx'] },
});
