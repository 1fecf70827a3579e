// The main story in Firefox, which differs in what its input methods say, in when an answer has begun, and in scrollbars.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { SCREENSHOTS, World } from '../world.ts';
import { FIREFOX, Firefox, KEYS } from './bidi.ts';
import type { Tab } from './bidi.ts';

if (FIREFOX === undefined)
    console.log('skipped: there is no Firefox (Debian: apt install firefox-esr)');

/** The guide is put away, and what the content security policy forbids is noted. */
const FIRST = `() => {
    if (location.protocol !== 'http:') return;
    localStorage.setItem('aim.settings', JSON.stringify({ guide: false, theme: 'dark' }));
    window.forbidden = [];
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        window.forbidden.push(violatedDirective + ' ' + blockedURI);
    });
}`;

const patience = { timeout: 20_000, interval: 30 };

describe.skipIf(FIREFOX === undefined)('in Firefox', () => {
    let world: World;
    let firefox: Firefox;
    beforeAll(async () => {
        world = await World.withoutBrowser();
        world.wheel('tidings', '1.0.0');
        firefox = await Firefox.begin();
    });
    afterAll(async () => {
        // Where one could not begin, the other is to go all the same.
        await (firefox as Firefox | undefined)?.end();
        await (world as World | undefined)?.end();
    });

    /** A tab in the project, once its terminal shows a prompt. */
    const open = async (): Promise<Tab> => {
        await world.clear();
        const tab = await firefox.visit(world.url, FIRST);
        const link = `document.querySelector('a[href="#/projects/demo"]')`;
        await expect.poll(() => tab.value(`${link} !== null`), patience).toBe(true);
        await tab.value(`${link}.click()`);
        await shows(tab, 'demo$ ');
        await tab.value(`document.querySelector('.xterm textarea').focus()`);
        return tab;
    };

    /** Has `act` type into a program that writes what it is given to the file `name`, until Ctrl-D. */
    const into = async (tab: Tab, name: string, act: () => Promise<void>): Promise<string> => {
        const file = join(world.project, name);
        await enter(
            tab,
            `stty -echo; echo rea"dy"; cat > ${name}.part; stty echo; mv ${name}.part ${name}`,
        );
        await shows(tab, 'ready');
        await act();
        await tab.press(KEYS.control, 'd');
        await expect.poll(() => existsSync(file), patience).toBe(true);
        return readFileSync(file, 'utf8');
    };

    test('the page loads, has a prompt, and tells of an install', async () => {
        const tab = await open();
        await enter(tab, 'which pip');
        await shows(tab, join(world.project, '.venv/bin/pip'));
        world.run('aim-worker', ['restart']);
        const before = world.generation();
        await enter(tab, 'pip install tidings');
        await shows(tab, 'aim: +tidings 1.0.0 · ');
        const toast = `document.body.innerText.includes('The worker is on generation ${before + 1}.')`;
        await expect.poll(() => tab.value(toast), patience).toBe(true);
        await tab.screenshot(join(SCREENSHOTS, 'firefox.png'));
        expect(world.generation()).toBe(before + 1);
        expect(await tab.value('window.forbidden')).toEqual([]);
        expect(firefox.complaints).toEqual([]);
        await tab.close();
    });

    test('a reload in the middle of output loses no line', async () => {
        const tab = await open();
        const lines = (from: number, to: number): string =>
            `for i in $(seq ${from} ${to}); do echo "line-$i"; done`;
        await enter(tab, `${lines(1, 200)}; until [ -e go ]; do :; done; ${lines(201, 400)}`);
        await shows(tab, 'line-200');
        await tab.reload();
        await shows(tab, 'line-200');
        writeFileSync(join(world.project, 'go'), '');
        await shows(tab, 'line-400');
        const seen = new Set<string>();
        await tab.value(`document.querySelector('.xterm textarea').focus()`);
        while (!seen.has('line-1')) {
            const shown = await screen(tab);
            for (const [line] of shown.matchAll(/^line-\d+$/gm)) seen.add(line);
            if (seen.has('line-1')) break;
            await tab.press(KEYS.shift, KEYS.pageUp);
            await expect.poll(() => screen(tab)).not.toBe(shown);
        }
        expect(seen.size).toBe(400);
        await tab.close();
    });

    test('Hangul arrives once, however it is composed', async () => {
        const tab = await open();
        const syllable = async (...steps: string[]): Promise<void> => {
            for (const step of steps) await tab.compose(step);
            await tab.commit(steps.at(-1) ?? '');
        };
        const typed = await into(tab, 'typed', async () => {
            await syllable('ㅎ', '하', '한');
            await syllable('ㄱ', '그', '글');
            await tab.press(KEYS.enter);
            // Deleted back to nothing, then another.
            for (const step of ['ㄴ', '나', 'ㄴ', '']) await tab.compose(step);
            await syllable('ㄱ', '가');
            await tab.type('ab');
            await syllable('ㄹ', '라');
            await tab.press(KEYS.enter);
            // Ended by leaving the terminal.
            await tab.compose('ㅂ');
            await tab.compose('바');
            await tab.value(`document.querySelector('nav button').focus()`);
            await tab.value(`document.querySelector('.xterm textarea').focus()`);
            await syllable('ㅅ', '사');
            await tab.press(KEYS.enter);
        });
        expect(typed).toBe('한글\n가ab라\n바사\n');
        await tab.close();
    });

    test('a paste of a megabyte arrives whole', async () => {
        const tab = await open();
        const line = '한글과 🎉 emoji, '.repeat(20);
        const pasted = await into(tab, 'pasted', async () => {
            await tab.value(
                `navigator.clipboard.writeText((${JSON.stringify(line)} + '\\n').repeat(3000))`,
            );
            await tab.press(KEYS.control, KEYS.shift, 'V');
        });
        expect(pasted).toBe(`${line}\n`.repeat(3000));
        await tab.close();
    });

    test('a daemon that is started anew is told of, and is there at once', async () => {
        const tab = await open();
        const isGone = `document.body.innerText.includes('The daemon is not there.')`;
        await world.stop();
        await expect.poll(() => tab.value(isGone), patience).toBe(true);
        await world.serve();
        await shows(tab, 'aim-backend was started anew');
        // Without anything that happens; the daemon's stream says nothing by itself for 15 s.
        await expect.poll(() => tab.value(isGone), { timeout: 5_000 }).toBe(false);
        await enter(tab, 'echo after-the-"restart"');
        await shows(tab, 'after-the-restart');
        await tab.close();
    });
});

/** What the terminal shows, by its rows. */
async function screen(tab: Tab): Promise<string> {
    const rows = `[...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent).join('\\n')`;
    return String(await tab.value(rows)).replaceAll('\u00a0', ' ');
}

async function shows(tab: Tab, text: string): Promise<void> {
    await expect.poll(() => screen(tab), patience).toContain(text);
}

/** Types a line into the terminal. */
async function enter(tab: Tab, line: string): Promise<void> {
    await tab.type(line);
    await tab.press(KEYS.enter);
}
