// How the page looks: a picture of each state, to be looked at, and what can be asserted of it.

import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CHROMIUM, SCREENSHOTS, World, shows, type } from './world.ts';

describe.skipIf(!CHROMIUM)('looks', () => {
    let world: World;
    beforeAll(async () => {
        world = await World.begin();
        world.wheel('tidings', '1.0.0');
        world.run('pip', ['--version']);
    });
    afterAll(() => world.end());

    test('the guide is shown until it is put away for good', async () => {
        const { page, context } = await world.visit({ guide: true });
        const demo = page.getByRole('link', { name: 'demo' });
        await demo.waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'projects.png') });
        await demo.click();
        const guide = page.getByRole('dialog', { name: 'Packages are managed in the terminal' });
        await guide.waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'guide.png') });
        await guide.getByLabel('Show this when a project is opened').uncheck();
        await guide.getByRole('button', { name: 'Understood' }).click();
        await page.reload();
        await shows(page, 'demo$ ');
        await expect.poll(() => guide.count()).toBe(0);
        await page.getByRole('button', { name: 'Guide and keys' }).click();
        await guide.waitFor();
        await context.close();
    });

    for (const { name, locale, dark, width } of [
        { name: 'english-light', locale: 'en-US', dark: false, width: 1100 },
        { name: 'korean-dark', locale: 'ko-KR', dark: true, width: 1100 },
        { name: 'korean-narrow', locale: 'ko-KR', dark: false, width: 360 },
    ]) {
        test(`in ${name}`, async () => {
            const { page, context } = await world.open({ locale, dark, width });
            await type(page, 'echo 안녕하세요; ls --color=always -a; pip list');
            await shows(page, 'setuptools');
            const history = locale === 'ko-KR' ? '기록' : 'History';
            await page.getByRole('button', { name: history }).click();
            await page.getByRole('table').waitFor();
            await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
            // Nothing is wider than the screen.
            const overflow = await page.evaluate(
                () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            expect(overflow).toBe(0);
            await page.getByRole('button', { name: locale === 'ko-KR' ? '노드' : 'Nodes' }).click();
            await page.getByRole('textbox').nth(1).waitFor();
            await page.screenshot({ path: join(SCREENSHOTS, `${name}-nodes.png`) });
            await page
                .getByRole('button', {
                    name: locale === 'ko-KR' ? '안내와 단축키' : 'Guide and keys',
                })
                .click();
            await page.screenshot({ path: join(SCREENSHOTS, `${name}-guide.png`) });
            await context.close();
        });
    }

    test('the README shows what happens', async () => {
        // docs/page.png is this one, taken over by hand when the page has changed.
        const { page, context } = await world.open();
        await page.getByRole('button', { name: 'Restart worker' }).click();
        await page.getByText('The worker is on generation 1.').waitFor();
        await type(page, 'pip install -q tidings');
        await shows(page, 'aim: +tidings 1.0.0 · ');
        await page.getByText('The worker is on generation 2.').waitFor();
        await page.getByRole('button', { name: 'History' }).click();
        await page.getByRole('cell', { name: '+tidings 1.0.0' }).waitFor();
        await page.setViewportSize({ width: 900, height: 460 });
        await page.screenshot({ path: join(SCREENSHOTS, 'readme.png') });
        await context.close();
    });

    test('the keyboard alone is enough', async () => {
        const { page, context } = await world.open();
        await page.keyboard.press('Control+Shift+Enter');
        await expect.poll(() => page.getByRole('tab').count()).toBe(2);
        await page.keyboard.press('Control+Shift+ArrowLeft');
        await expect
            .poll(() => page.getByRole('tab').first().getAttribute('aria-selected'))
            .toBe('true');
        await page.keyboard.press('Control+Shift+H');
        await page.getByRole('region', { name: 'History' }).waitFor();
        // Out of the terminal, along the tabs, and one of them closed.
        await page.keyboard.press('Control+Shift+X');
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('Delete');
        await expect.poll(() => page.getByRole('tab').count()).toBe(1);
        await context.close();
    });

    test('the terminal has a way out of its own, on pages without keys of theirs', async () => {
        const { page, context } = await world.open();
        // The page's keys are taken out, as in AIM-Forge's front end.
        await context.addInitScript(() => {
            const add = window.addEventListener.bind(window);
            window.addEventListener = (type: string, ...rest: unknown[]) => {
                if (type !== 'keydown') Reflect.apply(add, window, [type, ...rest]);
            };
        });
        await page.reload();
        await shows(page, 'demo$ ');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Control+Shift+X');
        const said = page.getByText('Out of the terminal.').filter({ visible: true });
        const isWithin = (): Promise<boolean> =>
            page.evaluate(() => document.activeElement?.closest('.aim-terminal') != null);
        await said.waitFor();
        await page.keyboard.press('Shift+Tab');
        await page.keyboard.type('echo in-a"gain"\n');
        await shows(page, 'in-again');
        await page.keyboard.press('Control+Shift+X');
        await page.keyboard.press('Tab');
        expect(await isWithin()).toBe(false);
        await context.close();
    });

    test('a terminal that runs something is not ended without a question', async () => {
        const { page, context } = await world.open();
        await type(page, 'sleep 1000');
        await page.getByRole('tab', { name: /sleep/ }).waitFor();
        await page.getByRole('button', { name: /^Close sleep/ }).click();
        const question = page.getByRole('dialog', { name: 'End this terminal?' });
        await question.getByRole('button', { name: 'End', exact: true }).click();
        await expect.poll(() => page.getByRole('tab').count()).toBe(0);
        await page.getByRole('button', { name: 'New terminal' }).last().click();
        await shows(page, 'demo$ ');
        await context.close();
    });
});
