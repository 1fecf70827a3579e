// A terminal that outlives its page, and what a person's hands do in it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CHROMIUM, SCREENSHOTS, World, screen, shows, terminal, type } from './world.ts';

describe.skipIf(!CHROMIUM)('sessions', () => {
    let world: World;
    beforeAll(async () => {
        world = await World.begin();
    });
    afterAll(() => world.end());

    test('a reload in the middle of output loses no line', async () => {
        const { page, context } = await world.open();
        // It goes on when the page has come back, so that the reload is in the middle of it for sure.
        await type(
            page,
            'for i in $(seq 400); do echo "line-$i"; done; until [ -e go ]; do :; done; for i in $(seq 401 800); do echo "line-$i"; done',
        );
        await shows(page, 'line-400');
        await page.reload();
        await shows(page, 'line-400');
        writeFileSync(join(world.project, 'go'), '');
        await shows(page, 'line-800');
        const seen = new Set<string>();
        await terminal(page).locator('textarea').focus();
        for (;;) {
            const before = seen.size;
            for (const [line] of (await screen(page)).matchAll(/^line-\d+$/gm)) seen.add(line);
            if (seen.has('line-1') || (seen.size === before && before > 0)) break;
            const shown = await screen(page);
            await page.keyboard.press('Shift+PageUp');
            await expect.poll(() => screen(page)).not.toBe(shown);
        }
        expect(seen.size).toBe(800);
        await context.close();
    });

    test('a second window has a terminal of its own, and takes one over when asked', async () => {
        const first = await world.open();
        await type(first.page, 'echo first-"window"');
        await shows(first.page, 'first-window');
        const page = await first.context.newPage();
        await page.goto(`${new URL(world.url).origin}/#/projects/demo`);
        await shows(page, 'demo$ ');
        expect(await screen(page)).not.toContain('first-window');
        await page.getByRole('button', { name: 'Sessions' }).click();
        const dialog = page.getByRole('dialog');
        const other = dialog.getByRole('listitem').filter({ hasText: 'shown on another page' });
        await other.getByRole('button', { name: 'Take up' }).click();
        await shows(page, 'first-window');
        await first.page.getByText('Another page has taken this session up.').waitFor();
        await first.page.getByRole('button', { name: 'Take it back' }).click();
        await page.getByText('Another page has taken this session up.').waitFor();
        await type(first.page, 'echo back-"here"');
        await shows(first.page, 'back-here');
        await first.context.close();
    });

    test('a daemon that is started anew is told of, and a new shell is there', async () => {
        const { page, context } = await world.open();
        await type(page, 'echo before-the-"restart"');
        await shows(page, 'before-the-restart');
        await world.stop();
        await page.getByText('The daemon is not there.').waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'gone.png') });
        await world.serve();
        await shows(page, 'aim-backend was started anew');
        expect(await screen(page)).toContain('before-the-restart');
        await page.getByText('The daemon is not there.').waitFor({ state: 'detached' });
        await type(page, 'echo after-the-"restart"');
        await shows(page, 'after-the-restart');
        await context.close();
    });

    test('the end of a shell is told with its status', async () => {
        const { page, context } = await world.open();
        await type(page, 'exit 3');
        await page.getByText('The shell has ended (exit 3).').waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, 'ended.png') });
        await page.getByRole('button', { name: 'New session' }).click();
        await shows(page, 'demo$ ');
        await context.close();
    });

    test('the shell has the size of its pane', async () => {
        const { page, context } = await world.open();
        const columns = async (): Promise<number> => {
            const name = `columns-${Date.now()}`;
            await type(page, `stty size > ${name}.part; mv ${name}.part ${name}`);
            await expect.poll(() => existsSync(join(world.project, name))).toBe(true);
            return Number(readFileSync(join(world.project, name), 'utf8').split(' ')[1]);
        };
        const wide = await columns();
        await page.setViewportSize({ width: 600, height: 500 });
        await expect.poll(columns).toBeLessThan(wide);
        await page.setViewportSize({ width: 1100, height: 700 });
        await expect.poll(columns).toBe(wide);
        await page.keyboard.press('Control+Shift+S');
        await expect.poll(() => terminal(page).locator('.xterm').count()).toBe(2);
        await page.screenshot({ path: join(SCREENSHOTS, 'split.png') });
        await context.close();
    });

    test('a paste of a megabyte arrives whole', async () => {
        const { page, context } = await world.open();
        const text = `${'한글과 🎉 emoji, '.repeat(20)}\n`.repeat(3000);
        await into(page, world, 'pasted', async () => {
            await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
            await page.keyboard.press('Control+Shift+V');
        });
        expect(readFileSync(join(world.project, 'pasted'), 'utf8')).toBe(text);
        await context.close();
    });

    test('a paste is seen by who has scrolled up', async () => {
        const { page, context } = await world.open();
        await type(page, 'seq 200; echo do"ne"');
        await shows(page, 'done');
        await page.keyboard.press('Shift+PageUp');
        await expect.poll(() => screen(page)).not.toContain('done');
        await page.evaluate(() => navigator.clipboard.writeText('pasted-here'));
        await page.keyboard.press('Control+Shift+V');
        await shows(page, 'pasted-here');
        await context.close();
    });

    test('Hangul arrives once, however it is composed', async () => {
        const { page, context } = await world.open();
        const devtools = await context.newCDPSession(page);
        const compose = (shown: string): Promise<unknown> =>
            devtools.send('Input.imeSetComposition', {
                text: shown,
                selectionStart: shown.length,
                selectionEnd: shown.length,
            });
        const commit = (text: string): Promise<unknown> =>
            devtools.send('Input.insertText', { text });
        const syllable = async (...steps: string[]): Promise<void> => {
            for (const step of steps) await compose(step);
            await commit(steps.at(-1) ?? '');
        };
        const expected = ['한글', '가', '나다', 'ab라', '마!', '바'].join('\n') + '\n';
        await into(page, world, 'typed', async () => {
            await syllable('ㅎ', '하', '한');
            await syllable('ㄱ', '그', '글');
            await page.keyboard.press('Enter');
            // Deleted back to nothing, then another.
            for (const step of ['ㄴ', '나', 'ㄴ', '']) await compose(step);
            await syllable('ㄱ', '가');
            await page.keyboard.press('Enter');
            // Ended by a click and by leaving the terminal.
            await compose('ㄴ');
            await compose('나');
            await terminal(page).locator('.xterm-screen').click();
            await syllable('ㄷ', '다');
            await page.keyboard.press('Enter');
            await page.keyboard.type('ab');
            await syllable('ㄹ', '라');
            await page.keyboard.press('Enter');
            await syllable('ㅁ', '마');
            await page.keyboard.type('!');
            await page.keyboard.press('Enter');
            await compose('ㅂ');
            await compose('바');
            await page.getByRole('button', { name: 'History' }).focus();
            await terminal(page).locator('textarea').focus();
            await page.keyboard.press('Enter');
        });
        expect(readFileSync(join(world.project, 'typed'), 'utf8')).toBe(expected);
        await context.close();
    });

    test('Hangul arrives once while output floods', async () => {
        const { page, context } = await world.open();
        const devtools = await context.newCDPSession(page);
        await type(
            page,
            'seq 100000000 & read -r line; kill %1; wait; printf %s "$line" > flooded',
        );
        await shows(page, /\d{4}/);
        for (const steps of [
            ['ㅎ', '하', '한'],
            ['ㄱ', '그', '글'],
        ]) {
            for (const text of steps) {
                const end = { selectionStart: text.length, selectionEnd: text.length };
                await devtools.send('Input.imeSetComposition', { text, ...end });
            }
            await devtools.send('Input.insertText', { text: steps.at(-1) ?? '' });
        }
        await page.keyboard.press('Enter');
        const file = join(world.project, 'flooded');
        const typed = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
        await expect.poll(typed, { timeout: 20_000 }).toBe('한글');
        await context.close();
    });
});

/** Has `act` type into a program that writes what it is given to the file `name`, until Ctrl-D. */
async function into(
    page: Page,
    world: World,
    name: string,
    act: () => Promise<void>,
): Promise<void> {
    await type(
        page,
        `stty -echo; echo rea"dy"; cat > ${name}.part; stty echo; mv ${name}.part ${name}`,
    );
    await shows(page, 'ready');
    await act();
    await page.keyboard.press('Control+d');
    await expect.poll(() => existsSync(join(world.project, name)), { timeout: 30_000 }).toBe(true);
}
