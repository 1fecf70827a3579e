// A world for browser tests: a home, a project with a real environment, wheels, a real daemon with the built page, and
// Debian's Chromium. All of it is gone when the tests are over.

import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

const TOP = resolve(import.meta.dirname, '../..');
const PROGRAMS = resolve(TOP, process.env.AIM_BIN ?? 'target/debug');
export const SCREENSHOTS = join(TOP, 'target/page-screenshots');

/** Debian's browser; none is downloaded. */
export const CHROMIUM = [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
].find((path) => existsSync(path));

/** The language servers that tests of the suite have installed. */
const TY = readdir(join(TOP, 'target/tmp'))
    .filter((name) => name.startsWith('servers-'))
    .map((name) => join(TOP, 'target/tmp', name, 'bin/ty'))
    .filter((path) => existsSync(path));

export interface Opened {
    context: BrowserContext;
    page: Page;
}

export class World {
    readonly home = mkdtempSync(join(tmpdir(), 'aim-page-'));
    readonly project = join(this.home, 'demo');
    readonly wheels = join(this.home, 'wheels');
    private daemon: ChildProcess | undefined;
    private browser: Browser | undefined;
    private port = 0;
    url = '';

    readonly env: Record<string, string> = {
        PATH: `${PROGRAMS}:/usr/local/bin:/usr/bin:/bin`,
        HOME: this.home,
        LANG: 'C.UTF-8',
        SHELL: '/bin/bash',
        TERM: 'xterm-256color',
        AIM_SOCKET: join(this.home, 's'),
        AIM_LOG: 'error',
        AIM_TOKEN: 'a-token-for-tests-only',
        XDG_STATE_HOME: join(this.home, 'state'),
        XDG_CONFIG_HOME: join(this.home, 'config'),
        PIP_NO_INDEX: '1',
        PIP_FIND_LINKS: this.wheels,
        PIP_DISABLE_PIP_VERSION_CHECK: '1',
    };

    static async begin(): Promise<World> {
        const world = await World.withoutBrowser();
        try {
            world.browser = await chromium.launch({
                executablePath: CHROMIUM ?? '',
                args: ['--no-sandbox', '--disable-3d-apis', '--disable-dev-shm-usage'],
            });
        } catch (error) {
            await world.end();
            throw error;
        }
        return world;
    }

    /** For who brings another browser. */
    static async withoutBrowser(): Promise<World> {
        const world = new World();
        try {
            mkdirSync(world.project);
            mkdirSync(SCREENSHOTS, { recursive: true });
            writeFileSync(join(world.home, '.bashrc'), "PS1='demo$ '\n");
            await world.serve();
            world.run('aim-venv-sync', ['init', '--quiet']);
        } catch (error) {
            await world.end();
            throw error;
        }
        return world;
    }

    async end(): Promise<void> {
        await this.browser?.close();
        await this.stop();
        rmSync(this.home, { recursive: true, force: true });
    }

    /** Starts the daemon; once more at the same port. */
    async serve(): Promise<void> {
        const args = ['serve', '--json', '--listen', `127.0.0.1:${this.port}`];
        const daemon = spawn(join(PROGRAMS, 'aim-backend'), args, {
            cwd: this.home,
            env: this.env,
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        this.daemon = daemon;
        const [line] = await once(createInterface(daemon.stdout));
        this.url = (JSON.parse(line) as { url: string }).url;
        this.port = Number(new URL(this.url).port);
    }

    async stop(): Promise<void> {
        const daemon = this.daemon;
        if (!daemon) return;
        this.daemon = undefined;
        const gone = new Promise((ended) => daemon.once('exit', ended));
        daemon.kill('SIGTERM');
        await gone;
    }

    /** Runs one of the toolkit's programs in the project; gives what it printed. */
    run(program: string, args: string[]): string {
        const how = { cwd: this.project, env: this.env, encoding: 'utf8' } as const;
        return execFileSync(program, args, how);
    }

    /** A wheel of one module that knows its version. */
    wheel(name: string, version: string): void {
        const script = join(TOP, 'examples/demo/make_wheel.py');
        execFileSync('python3', [script, this.wheels, name, version]);
    }

    /** Gives the environment the released ty that tests of the suite have installed; whether that is there. */
    languageServer(): boolean {
        const [server] = TY;
        if (server === undefined) return false;
        symlinkSync(server, join(this.project, '.venv/bin/ty'));
        return true;
    }

    generation(): number {
        const text = readFileSync(join(this.project, 'env_meta.json'), 'utf8');
        return (JSON.parse(text) as { generation: number }).generation;
    }

    /** A browser of its own: no cookies, no storage. The guide is put away unless it is wanted. */
    async visit(
        options: {
            guide?: boolean;
            locale?: string;
            dark?: boolean;
            width?: number;
            url?: string;
        } = {},
    ): Promise<Opened> {
        const { guide = false, locale = 'en-US', dark = true, width = 1100 } = options;
        if (!this.browser) throw new Error('no browser');
        const context = await this.browser.newContext({
            locale,
            colorScheme: dark ? 'dark' : 'light',
            viewport: { width, height: 700 },
            permissions: ['clipboard-read', 'clipboard-write'],
        });
        if (!guide) {
            await context.addInitScript(() => {
                const stored = JSON.parse(localStorage.getItem('aim.settings') ?? '{}') as object;
                localStorage.setItem('aim.settings', JSON.stringify({ ...stored, guide: false }));
            });
        }
        const page = await context.newPage();
        page.setDefaultTimeout(15_000);
        page.on('console', (message) => {
            if (message.type() === 'error') console.log(`the page says: ${message.text()}`);
        });
        page.on('pageerror', (error) => {
            console.log(`the page fails: ${error.stack ?? error.message}`);
        });
        await page.goto(options.url ?? this.url);
        return { context, page };
    }

    /** Ends what others have left in terminals. */
    async clear(): Promise<void> {
        const headers = { authorization: `Bearer ${this.env.AIM_TOKEN ?? ''}` };
        const address = new URL('/api/v1/terminals', this.url).href;
        const { terminals } = (await (await fetch(address, { headers })).json()) as {
            terminals: { session: string }[];
        };
        for (const { session } of terminals)
            await fetch(`${address}/${session}`, { headers, method: 'DELETE' });
    }

    /** A browser in the project, once its terminal shows a prompt. */
    async open(options: Parameters<World['visit']>[0] = {}): Promise<Opened> {
        await this.clear();
        const opened = await this.visit(options);
        await opened.page.getByRole('link', { name: 'demo' }).click();
        await shows(opened.page, 'demo$ ');
        return opened;
    }
}

function readdir(folder: string): string[] {
    return existsSync(folder) ? readdirSync(folder) : [];
}

function once(lines: ReturnType<typeof createInterface>): Promise<[string]> {
    return new Promise((heard, failed) => {
        lines.once('line', (line: string) => {
            heard([line]);
        });
        lines.once('close', () => {
            failed(new Error('the daemon said nothing'));
        });
    });
}

/** The terminal in sight. */
export function terminal(page: Page): Locator {
    return page.getByRole('tabpanel').filter({ visible: true }).first();
}

/**
 * What the terminal shows, by its rows; wrapped rows are not joined. It can be read since xterm draws by the DOM where there
 * is no WebGL, which the browser is started without.
 */
export async function screen(page: Page): Promise<string> {
    const rows = terminal(page).locator('.xterm-rows > div');
    return (await rows.allTextContents()).map((row) => row.replaceAll('\u00a0', ' ')).join('\n');
}

/** Waits until the terminal shows `text`. */
export async function shows(page: Page, text: string | RegExp, patience = 20_000): Promise<void> {
    const until = Date.now() + patience;
    for (;;) {
        const now = await screen(page);
        if (typeof text === 'string' ? now.includes(text) : text.test(now)) return;
        if (Date.now() > until) {
            await page.screenshot({ path: join(SCREENSHOTS, 'failure.png') });
            throw new Error(`the terminal does not show ${String(text)}:\n${now}`);
        }
        await page.waitForTimeout(30);
    }
}

/** Types a line into the terminal. */
export async function type(page: Page, line: string): Promise<void> {
    await terminal(page).locator('textarea').focus();
    await page.keyboard.type(line);
    await page.keyboard.press('Enter');
}
