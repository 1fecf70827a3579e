// What a terminal does by itself when a program asks: once, and not again when its page comes back.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CHROMIUM, World, shows, type } from './world.ts';

describe.skipIf(!CHROMIUM)('answers', () => {
    let world: World;
    beforeAll(async () => {
        world = await World.begin();
    });
    afterAll(() => world.end());

    for (const [name, asked, answer] of [
        ['what it is, where its cursor stands, its colour', '\\e[c\\e[6n\\e]11;?\\a', '1;2c'],
        ['whether it has the focus', '\\e[?1004h\\e[?1004l', '[I'],
    ] as const) {
        test(`a page that comes back does not say once more ${name}`, async () => {
            const { page, context } = await world.open();
            // Answers end at the key `m`, which is typed after them; what comes later is in a file.
            await type(
                page,
                `stty -echo; printf '${asked}ask''ed'; read -rsd m first; echo "$first" > first; cat -v > later; stty echo`,
            );
            await shows(page, 'asked');
            await page.keyboard.type('m');
            const text = (file: string): string => readFileSync(join(world.project, file), 'utf8');
            await expect.poll(() => text('later')).toBe('');
            expect(text('first')).toContain(answer);
            await page.reload();
            await shows(page, 'asked');
            await type(page, 'typed');
            await page.keyboard.press('Control+d');
            await shows(page, /asked.*demo\$ /s);
            expect(text('later')).toBe('typed\n');
            await context.close();
        });
    }

    test('a program writes to the clipboard once it may, and not again', async () => {
        const { page, context } = await world.open();
        const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
        await page.evaluate(() => navigator.clipboard.writeText('kept'));
        await type(page, `printf '\\e]52;c;7ZWc6riA\\a'; echo writ"ten"`);
        const question = page.getByRole('alertdialog', { name: /write to your clipboard/ });
        await question.waitFor();
        expect(await copied()).toBe('kept');
        await question.getByRole('button', { name: 'Allow' }).click();
        await expect.poll(copied).toBe('한글');
        await page.evaluate(() => navigator.clipboard.writeText('of another window'));
        await page.reload();
        await shows(page, 'written');
        expect(await question.count()).toBe(0);
        expect(await copied()).toBe('of another window');
        await context.close();
    });

    test('a paste cannot break off the line that it is pasted into', async () => {
        const { page, context } = await world.open();
        await page.evaluate(() => navigator.clipboard.writeText('echo \x03touch obe"yed"\n'));
        await page.keyboard.press('Control+Shift+V');
        await shows(page, 'echo ␃touch');
        await page.keyboard.press('Control+c');
        await type(page, 'ls; echo lis"ted"');
        await shows(page, 'listed');
        expect(world.run('ls', [])).not.toContain('obeyed');
        await context.close();
    });
});
