// A Firefox of its own, by WebDriver BiDi (https://w3c.github.io/webdriver-bidi), as far as the tests beside this need it.
//
// Playwright drives no released Firefox, and what drives one brings more packages than all else here together.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import WebSocket from 'ws';

/** Debian's browser, or one from Mozilla; none is downloaded. */
export const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) =>
    existsSync(path),
);

/** It asks nobody for anything, and pages may use the clipboard. */
const PREFERENCES = {
    'app.update.enabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'dom.events.testing.asyncClipboard': true,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'services.settings.server': 'data:,#remote-settings-dummy/v1',
    'toolkit.telemetry.server': 'data:,',
    // So that xterm draws by the DOM, where what it shows can be read.
    'webgl.disabled': true,
};

/** As WebDriver names keys that have no character. */
export const KEYS = { enter: '\ue007', shift: '\ue008', control: '\ue009', pageUp: '\ue00e' };

interface Answer {
    id?: number;
    error?: string;
    message?: string;
    result?: unknown;
    method?: string;
    params?: { level?: string; text?: string | null };
}

interface Evaluated {
    type: string;
    result?: { value?: unknown };
    exceptionDetails?: { text: string };
}

export class Firefox {
    /** What pages said to the console that is no mere information, and what their scripts threw. */
    readonly complaints: string[] = [];
    private last = 0;
    private readonly waiting = new Map<number, (answer: Answer) => void>();

    private constructor(
        private readonly process: ChildProcess,
        private readonly profile: string,
        private readonly socket: WebSocket,
    ) {
        socket.on('message', (data: Buffer) => {
            const answer = JSON.parse(data.toString()) as Answer;
            if (answer.id !== undefined) this.waiting.get(answer.id)?.(answer);
            const { level, text } = answer.params ?? {};
            if (level === 'error' || level === 'warn') this.complaints.push(text ?? '');
        });
    }

    static async begin(): Promise<Firefox> {
        const profile = mkdtempSync(join(tmpdir(), 'aim-firefox-'));
        const lines = Object.entries(PREFERENCES).map(
            ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
        );
        writeFileSync(join(profile, 'user.js'), lines.join(''));
        const args = ['--headless', '--no-remote', '--profile', profile];
        // The rights of the browser's own scripts, for the input method.
        args.push('--remote-debugging-port=0', '--remote-allow-system-access');
        const process = spawn(FIREFOX ?? '', args, {
            env: { PATH: '/usr/bin:/bin', HOME: profile, LANG: 'C.UTF-8' },
            stdio: ['ignore', 'ignore', 'pipe'],
        });
        let socket: WebSocket | undefined;
        for await (const line of createInterface(process.stderr)) {
            const address = /WebDriver BiDi listening on (\S+)/.exec(line)?.[1];
            if (address === undefined) continue;
            socket = new WebSocket(`${address}/session`);
            break;
        }
        process.stderr.resume();
        if (!socket) throw new Error('Firefox does not start');
        await new Promise((open) => socket.once('open', open));
        const firefox = new Firefox(process, profile, socket);
        await firefox.ask('session.new', { capabilities: {} });
        await firefox.ask('session.subscribe', { events: ['log.entryAdded'] });
        return firefox;
    }

    async end(): Promise<void> {
        const gone = new Promise((ended) => this.process.once('exit', ended));
        this.process.kill('SIGTERM');
        await gone;
        rmSync(this.profile, { recursive: true, force: true });
    }

    async ask(method: string, params: object): Promise<unknown> {
        this.last += 1;
        const id = this.last;
        const answered = new Promise<Answer>((answer) => this.waiting.set(id, answer));
        this.socket.send(JSON.stringify({ id, method, params }));
        const { error, message, result } = await answered;
        this.waiting.delete(id);
        if (error !== undefined) throw new Error(`${method}: ${error}: ${message ?? ''}`);
        return result;
    }

    /** A page of its own: no cookies, no storage. `first` runs before its scripts. */
    async visit(url: string, first: string): Promise<Tab> {
        const { userContext } = (await this.ask('browser.createUserContext', {})) as {
            userContext: string;
        };
        const { context } = (await this.ask('browsingContext.create', {
            type: 'tab',
            userContext,
        })) as { context: string };
        await this.ask('script.addPreloadScript', {
            functionDeclaration: first,
            contexts: [context],
        });
        const viewport = { width: 1100, height: 700 };
        await this.ask('browsingContext.setViewport', { context, viewport });
        await this.ask('browsingContext.navigate', { context, url, wait: 'complete' });
        return new Tab(this, context, userContext);
    }

    /** Has the browser itself run `script`, the body of a function of `text`. */
    async privileged(script: string, text: string): Promise<void> {
        const { contexts } = (await this.ask('browsingContext.getTree', {
            'moz:scope': 'chrome',
        })) as { contexts: { context: string }[] };
        const outcome = (await this.ask('script.callFunction', {
            functionDeclaration: `function (text) { ${script} }`,
            arguments: [{ type: 'string', value: text }],
            target: { context: contexts[0]?.context },
            awaitPromise: false,
        })) as Evaluated;
        if (outcome.exceptionDetails) throw new Error(outcome.exceptionDetails.text);
    }
}

/** Firefox's own interface for what an input method says, by which its events come in its order. */
const INPUT_METHOD = `
    const window = Services.wm.getMostRecentWindow('navigator:browser');
    window.aim ??= Cc['@mozilla.org/text-input-processor;1'].createInstance(Ci.nsITextInputProcessor);
    if (!window.aim.beginInputTransactionForTests(window)) throw new Error('somebody else composes');
`;

export class Tab {
    constructor(
        private readonly firefox: Firefox,
        private readonly context: string,
        private readonly userContext: string,
    ) {}

    async close(): Promise<void> {
        await this.firefox.ask('browser.removeUserContext', { userContext: this.userContext });
    }

    async reload(): Promise<void> {
        await this.firefox.ask('browsingContext.reload', {
            context: this.context,
            wait: 'complete',
        });
    }

    /** The value of a JavaScript expression, awaited; as JSON has it. */
    async value(expression: string): Promise<unknown> {
        const outcome = (await this.firefox.ask('script.evaluate', {
            expression: `(async () => JSON.stringify(await (${expression})))()`,
            target: { context: this.context },
            awaitPromise: true,
            userActivation: true,
        })) as Evaluated;
        if (outcome.exceptionDetails) throw new Error(outcome.exceptionDetails.text);
        const text = outcome.result?.value;
        return typeof text === 'string' ? JSON.parse(text) : undefined;
    }

    async type(text: string): Promise<void> {
        const actions = Array.from(text).flatMap((value) => [
            { type: 'keyDown', value },
            { type: 'keyUp', value },
        ]);
        await this.act(actions);
    }

    /** Presses keys together. */
    async press(...keys: string[]): Promise<void> {
        await this.act([
            ...keys.map((value) => ({ type: 'keyDown', value })),
            ...[...keys].reverse().map((value) => ({ type: 'keyUp', value })),
        ]);
    }

    private async act(actions: object[]): Promise<void> {
        await this.firefox.ask('input.performActions', {
            context: this.context,
            actions: [{ type: 'key', id: 'keyboard', actions }],
        });
    }

    /** What an input method shows of what it composes; nothing ends it. */
    async compose(text: string): Promise<void> {
        await this.composed(
            text === '' ? 'compositionend' : 'compositionupdate',
            text,
            `if (text === '') return window.aim.cancelComposition();
            window.aim.setPendingCompositionString(text);
            window.aim.appendClauseToPendingComposition(text.length, window.aim.ATTR_RAW_CLAUSE);
            window.aim.setCaretInPendingComposition(text.length);
            const key = new window.KeyboardEvent('', { key: 'k', code: 'KeyK' });
            window.aim.flushPendingComposition(key);`,
        );
    }

    async commit(text: string): Promise<void> {
        await this.composed('compositionend', text, 'window.aim.commitCompositionWith(text);');
    }

    /** Composes by `script`, and waits for the page to hear of it: keys come to the page by another way, and overtake. */
    private async composed(type: string, text: string, script: string): Promise<void> {
        await this.value(`(window.composed = new Promise((heard) => {
            const listen = ({ data }) => {
                if (data !== ${JSON.stringify(text)}) return;
                removeEventListener('${type}', listen, true);
                setTimeout(heard);
            };
            addEventListener('${type}', listen, true);
        }), null)`);
        await this.firefox.privileged(INPUT_METHOD + script, text);
        await this.value('window.composed');
    }

    async screenshot(path: string): Promise<void> {
        const { data } = (await this.firefox.ask('browsingContext.captureScreenshot', {
            context: this.context,
        })) as { data: string };
        writeFileSync(path, Buffer.from(data, 'base64'));
    }
}
