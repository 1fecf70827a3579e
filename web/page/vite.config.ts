import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// For `npm run dev`: a daemon that listens there, with the token in AIM_TOKEN.
const daemon = process.env['AIM_PAGE_DAEMON'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
    plugins: [react()],
    resolve: { conditions: ['aim-source', 'module', 'browser', 'development|production'] },
    build: {
        target: 'es2022',
        // One file of styles and no data: addresses, which the daemon's policy would refuse to scripts and fonts.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
    },
    server: {
        proxy: {
            '/api': {
                target: daemon,
                changeOrigin: true,
                ws: true,
                headers: {
                    authorization: `Bearer ${process.env['AIM_TOKEN'] ?? ''}`,
                    origin: daemon,
                },
            },
        },
    },
});
