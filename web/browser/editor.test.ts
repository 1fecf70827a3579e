// The editor of a node's file: its diagnostics follow the environment.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CHROMIUM, SCREENSHOTS, World, shows, type } from './world.ts';

describe.skipIf(!CHROMIUM)('editor', () => {
    let world: World;
    beforeAll(async () => {
        world = await World.begin();
        writeFileSync(join(world.project, 'edited.py'), 'import tidings\n');
    });
    afterAll(() => world.end());

    test('a squiggle goes with an install', async ({ skip }) => {
        if (!world.languageServer())
            skip('ty is not in target/tmp, where the tests of the suite put it');
        world.wheel('tidings', '1.0.0');
        const { page, context } = await world.open();
        await page.getByRole('button', { name: 'Nodes' }).click();
        await page.getByLabel('File').fill('edited.py');
        await page.getByRole('button', { name: 'Edit' }).click();
        await page.getByText('language server: ready').waitFor();
        const squiggle = page.locator('.cm-lintRange');
        await squiggle.first().waitFor();
        await type(page, 'pip install --no-index --no-deps -q tidings');
        await shows(page, '+tidings 1.0.0');
        await expect.poll(() => squiggle.count()).toBe(0);
        await page.screenshot({ path: join(SCREENSHOTS, 'editor.png') });
        await context.close();
    });

    test('the first file is named, but not to who types a name', async () => {
        const { page, context } = await world.open();
        const nodes = page.getByRole('button', { name: 'Nodes' });
        const field = page.getByLabel('File');
        await nodes.click();
        await expect.poll(() => field.inputValue()).toBe('edited.py');
        await nodes.click();
        await page.route('**/nodes', async (route) => {
            await field.focus();
            await route.continue();
        });
        await nodes.click();
        await page.locator('datalist option').first().waitFor({ state: 'attached' });
        await field.pressSequentially('other.py');
        expect(await field.inputValue()).toBe('other.py');
        await context.close();
    });

    test('what is typed is saved over what was read, and not over what another wrote', async () => {
        const { page, context } = await world.open();
        const file = join(world.project, 'edited.py');
        await page.getByRole('button', { name: 'Nodes' }).click();
        await page.getByLabel('File').fill('edited.py');
        await page.getByRole('button', { name: 'Edit' }).click();
        await page.locator('.cm-content').click();
        await page.keyboard.press('Control+End');
        await page.keyboard.type('x = 1');
        await page.getByText('not saved').waitFor();
        await page.keyboard.press('Control+s');
        await page.getByText('saved', { exact: true }).waitFor();
        expect(readFileSync(file, 'utf8')).toContain('x = 1');
        writeFileSync(file, 'theirs = 1\n');
        await page.keyboard.type('2');
        await page.keyboard.press('Control+s');
        await page.getByRole('button', { name: 'Take theirs' }).click();
        await page.getByText('theirs', { exact: true }).waitFor();
        expect(readFileSync(file, 'utf8')).toBe('theirs = 1\n');
        await context.close();
    });
});
