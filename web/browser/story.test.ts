// The main story on the page (docs/qa.md).

import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CHROMIUM, SCREENSHOTS, World, screen, shows, terminal, type } from './world.ts';

if (!CHROMIUM) console.log('skipped: there is no Chromium (Debian: apt install chromium)');

describe.skipIf(!CHROMIUM)('the main story', () => {
    let world: World;
    beforeAll(async () => {
        world = await World.begin();
        world.wheel('tidings', '1.0.0');
        world.wheel('tidings', '2.0.0');
        writeFileSync(
            join(world.project, 'node.py'),
            "import tidings\n\ndef main():\n    print('printed on the way')\n    return {'version': tidings.__version__}\n",
        );
    });
    afterAll(() => world.end());

    test('there is a prompt in the environment at once', async () => {
        const { page, context } = await world.open();
        await type(page, 'which pip; which python');
        await shows(page, join(world.project, '.venv/bin/pip'));
        await shows(page, join(world.project, '.venv/bin/python'));
        await page.screenshot({ path: join(SCREENSHOTS, 'prompt.png') });
        await context.close();
    });

    test('what is installed is in the next node, and what is taken out is not', async () => {
        const { page, context } = await world.open();
        const before = world.generation();
        await page.getByRole('button', { name: 'Nodes', exact: true }).click();
        await page.getByLabel('File').fill('node.py');
        const run = page.getByRole('button', { name: 'Run', exact: true });
        await run.click();
        await page.getByText("No module named 'tidings'").waitFor();
        await type(page, 'pip install tidings==1.0.0');
        await shows(page, 'Successfully installed tidings-1.0.0');
        // The shell says what changed above its prompt.
        await shows(page, 'aim: +tidings 1.0.0 · ');
        await page.getByText(`The worker is on generation ${before + 1}.`).waitFor();
        await run.click();
        await page.getByText('"version": "1.0.0"').waitFor();
        await page.getByText('printed on the way').waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'node.png') });
        expect(world.generation()).toBe(before + 1);
        await type(page, 'pip install tidings==2.0.0');
        await page.getByText(`The worker is on generation ${before + 2}.`).waitFor();
        await run.click();
        await page.getByText('"version": "2.0.0"').waitFor();
        await type(page, 'pip uninstall -y tidings');
        await page.getByText(`The worker is on generation ${before + 3}.`).waitFor();
        await run.click();
        await page.getByText("No module named 'tidings'").waitFor();
        // Everything is remembered, and each run has its log.
        await page.getByRole('button', { name: 'History' }).click();
        const rows = page.getByRole('region', { name: 'History' }).getByRole('row');
        await rows.filter({ hasText: '-tidings 2.0.0' }).waitFor();
        await rows.filter({ hasText: '+tidings 1.0.0' }).waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'history.png') });
        await rows.filter({ hasText: '+tidings 1.0.0' }).getByRole('button').click();
        await page.getByRole('dialog').getByText('Successfully installed tidings-1.0.0').waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'log.png') });
        expect(world.run('aim-logs', ['list'])).toContain('-tidings 2.0.0');
        await context.close();
    });

    test('a node behind another says what it waits for', async () => {
        const hold =
            'import os, time\n\ndef main():\n    open("held", "w").close()\n' +
            '    while not os.path.exists("go"):\n        time.sleep(0.02)\n';
        writeFileSync(join(world.project, 'hold.py'), hold);
        writeFileSync(join(world.project, 'quick.py'), "def main():\n    return 'quick'\n");
        const { page, context } = await world.open();
        await type(page, 'aim-worker run hold.py &');
        await expect.poll(() => existsSync(join(world.project, 'held'))).toBe(true);
        await page.getByRole('button', { name: 'Nodes', exact: true }).click();
        await page.getByLabel('File').fill('quick.py');
        await page.getByRole('button', { name: 'Run', exact: true }).click();
        await page
            .getByText(/^waiting for hold.py \(\d+ s so far\) · Interrupt ends it$/)
            .waitFor();
        await type(page, 'touch go');
        await page.getByText(/^done in /).waitFor();
        await page.getByLabel('Output').getByText('quick', { exact: true }).waitFor();
        await context.close();
    });

    test('a worker that cannot start says why, and a restart mends it', async () => {
        const { page, context } = await world.open();
        // An environment that takes its interpreter along.
        const python = join(world.project, '.venv/bin/python');
        renameSync(python, `${python}.kept`);
        writeFileSync(python, '#!/bin/sh\necho broken on purpose >&2\nexit 3\n', { mode: 0o755 });
        await type(page, 'aim-worker restart');
        const toast = page.getByRole('alert').filter({ hasText: 'Environment refresh failed' });
        await toast.waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'failed.png') });
        await toast.getByRole('button', { name: 'Show the log' }).click();
        await page.getByRole('dialog').getByText('broken on purpose').waitFor();
        await page.keyboard.press('Escape');
        renameSync(`${python}.kept`, python);
        await toast.getByRole('button', { name: 'Restart worker' }).click();
        await page.getByText(/The worker is on generation/).waitFor();
        await toast.waitFor({ state: 'detached' });
        await context.close();
    });

    test('the page makes no call for packages', async () => {
        const { page, context } = await world.open();
        // Those as well that are fetched when a panel is opened.
        const built = new URL('../page/dist/assets/', import.meta.url);
        const scripts = readdirSync(built).filter((name) => name.endsWith('.js'));
        expect(scripts.length).toBeGreaterThan(3);
        for (const script of scripts) {
            expect(readFileSync(new URL(script, built), 'utf8')).not.toMatch(/\/packages\b/);
        }
        for (const call of ['list', 'install', 'uninstall', 'logs/x']) {
            const answered = await page.evaluate(
                async (path) => (await fetch(path)).status,
                `/api/project/demo/packages/${call}`,
            );
            expect(answered).toBe(404);
        }
        expect(await screen(page)).toContain('demo$');
        await terminal(page).waitFor();
        await context.close();
    });
});
