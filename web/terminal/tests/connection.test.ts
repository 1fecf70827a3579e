// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Connection } from '../src/connection.ts';
import type { State } from '../src/connection.ts';

/** The daemon's end of a connection. */
class FakeSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static all: FakeSocket[] = [];
    static get last(): FakeSocket {
        const last = FakeSocket.all.at(-1);
        if (!last) throw new Error('no socket');
        return last;
    }

    readonly bufferedAmount = 0;
    readyState = FakeSocket.OPEN;
    binaryType = '';
    said: Record<string, unknown>[] = [];
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: unknown }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;

    constructor(readonly url: string) {
        FakeSocket.all.push(this);
    }
    send(text: string): void {
        this.said.push(JSON.parse(text) as Record<string, unknown>);
    }
    close(): void {
        // The page's own wish needs no answer here.
    }
    ready(more: object = {}): void {
        const ready = { session: 's1', resumed: false, offset: 0, ack: 8, replay: 0 };
        this.onmessage?.({ data: JSON.stringify({ type: 'ready', ...ready, ...more }) });
    }
    bytes(length: number): void {
        this.onmessage?.({ data: new ArrayBuffer(length) });
    }
    end(code: number, reason = ''): void {
        this.onclose?.({ code, reason });
    }
    query(name: string): string | null {
        return new URL(this.url).searchParams.get(name);
    }
}

let states: State[];
let drawn: (() => void)[];
let happened: string[];
let link: Connection;

beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('WebSocket', FakeSocket);
    FakeSocket.all = [];
    states = [];
    drawn = [];
    happened = [];
    link = new Connection({
        url: 'http://127.0.0.1:8000',
        projectId: 'my project',
        size: { cols: 80, rows: 24 },
        onState: (state) => states.push(state),
        onSession: () => undefined,
        onReset: () => happened.push('reset'),
        onAnew: () => happened.push('anew'),
        onBytes: (bytes, done) => {
            happened.push(`${bytes.length}${link.isReplaying() ? ' again' : ''}`);
            drawn.push(done);
        },
        onExit: ({ code }) => happened.push(`exit ${code ?? ''}`),
        onEvent: ({ type }) => happened.push(type),
    });
    link.start();
    vi.advanceTimersByTime(0);
});

afterEach(() => {
    link.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
});

test('it asks for a session of its size', () => {
    const { url } = FakeSocket.last;
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:8000\/api\/ws\/terminal\/my%20project\?/);
    expect(FakeSocket.last.query('cols')).toBe('80');
    expect(FakeSocket.last.query('session')).toBeNull();
    FakeSocket.last.ready();
    expect(states.at(-1)).toEqual({ name: 'open' });
});

test('what was drawn is acknowledged in time, and nothing else', () => {
    FakeSocket.last.ready();
    for (const length of [3, 3]) FakeSocket.last.bytes(length);
    for (const done of drawn) done();
    expect(FakeSocket.last.said.filter(({ type }) => type === 'ack')).toEqual([]);
    FakeSocket.last.bytes(4);
    drawn.at(-1)?.();
    expect(FakeSocket.last.said.at(-1)).toEqual({ type: 'ack', bytes: 10 });
});

test('after an accident it comes back to the same place, later each time', () => {
    FakeSocket.last.ready({ offset: 100 });
    FakeSocket.last.bytes(20);
    FakeSocket.last.end(1001);
    expect(states.at(-1)).toEqual({ name: 'waiting' });
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.all).toHaveLength(2);
    expect(FakeSocket.last.query('session')).toBe('s1');
    expect(FakeSocket.last.query('offset')).toBe('120');
    FakeSocket.last.ready({ resumed: true, offset: 120 });
    expect(happened).not.toContain('anew');
    expect(happened.filter((what) => what === 'reset')).toHaveLength(1);
    let tries = FakeSocket.all.length;
    for (const wait of [400, 800, 1600]) {
        FakeSocket.last.end(1012);
        vi.advanceTimersByTime(wait * 0.3);
        const before = tries;
        vi.advanceTimersByTime(wait * 2);
        tries = FakeSocket.all.length;
        expect(tries).toBe(before + 1);
    }
});

test('an end is an end, until somebody asks for more', () => {
    for (const code of [1000, 1007, 1009, 1011, 4401, 4403, 4408, 4409, 4429]) {
        FakeSocket.last.ready();
        FakeSocket.last.end(code, 'why');
        expect(states.at(-1)).toEqual({ name: 'ended', code, reason: 'why', wasSession: true });
        const count = FakeSocket.all.length;
        vi.advanceTimersByTime(60_000);
        expect(FakeSocket.all).toHaveLength(count);
        link.again(code === 4409);
        expect(FakeSocket.last.query('session')).toBe(code === 4409 ? 's1' : null);
    }
});

test('a session that is gone with its daemon gives way to a new one, with a word', () => {
    FakeSocket.last.ready();
    FakeSocket.last.end(1001);
    vi.advanceTimersByTime(1000);
    FakeSocket.last.end(4404, 'this session has ended');
    expect(FakeSocket.last.query('session')).toBeNull();
    FakeSocket.last.ready({ session: 's2' });
    expect(happened).toContain('anew');
});

test('what is shown again is no news until it is over', () => {
    FakeSocket.last.ready({ replay: 5 });
    FakeSocket.last.bytes(8);
    expect(happened.slice(-2)).toEqual(['5 again', '3 again']);
    link.type('typed meanwhile');
    expect(FakeSocket.last.said.at(-1)).toEqual({ type: 'input', data: 'typed meanwhile' });
    drawn[0]?.();
    expect(link.isReplaying()).toBe(false);
});

test('a closed door is told from a daemon that is not there', async () => {
    vi.useRealTimers();
    const answers = [new Response('', { status: 401 })];
    const fetched = vi.fn(() => {
        const answer = answers.shift();
        return answer ? Promise.resolve(answer) : Promise.reject(new TypeError('nobody'));
    });
    vi.stubGlobal('fetch', fetched);
    FakeSocket.last.end(1006);
    await expect.poll(() => states.at(-1)).toMatchObject({ name: 'ended', code: 4401 });
    link.again(false);
    FakeSocket.last.end(1006);
    await expect.poll(() => states.at(-1)).toEqual({ name: 'waiting' });
});

test('a connection that died without a word is noticed', () => {
    FakeSocket.last.ready();
    vi.advanceTimersByTime(20_000);
    expect(FakeSocket.last.said.at(-1)).toEqual({ type: 'ping' });
    FakeSocket.last.onmessage?.({ data: '{"type":"pong"}' });
    vi.advanceTimersByTime(20_000);
    expect(states.at(-1)).toEqual({ name: 'open' });
    vi.advanceTimersByTime(10_000);
    expect(states.at(-1)).toEqual({ name: 'waiting' });
});

test('ends and events are passed on', () => {
    FakeSocket.last.ready();
    const event = { type: 'worker-ready', time: '2026-03-01T12:00:00Z' };
    FakeSocket.last.onmessage?.({ data: JSON.stringify({ type: 'event', event }) });
    FakeSocket.last.onmessage?.({ data: '{"type":"exit","code":3,"signal":null}' });
    expect(happened.slice(-2)).toEqual(['worker-ready', 'exit 3']);
});

test('what is unmounted at once never connects', () => {
    const count = FakeSocket.all.length;
    link.stop();
    link.start();
    link.stop();
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.all).toHaveLength(count);
});

test('a network that swallows everything is not waited for', () => {
    vi.advanceTimersByTime(15_000);
    expect(states.at(-1)).toEqual({ name: 'waiting' });
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.all).toHaveLength(2);
    // One that is there again is tried at once.
    FakeSocket.last.readyState = FakeSocket.CONNECTING;
    window.dispatchEvent(new Event('online'));
    expect(FakeSocket.all).toHaveLength(3);
    // A connection that stands may take its time to say something.
    FakeSocket.last.onopen?.();
    vi.advanceTimersByTime(15_000);
    expect(FakeSocket.all).toHaveLength(3);
});

/** What was typed, by what the daemon heard. */
function typed(): unknown[] {
    return FakeSocket.last.said.filter(({ type }) => type === 'input').map(({ data }) => data);
}

test('keys that come before the session are typed into it, so many and no more', () => {
    link.type('l');
    link.type('s\r');
    expect(typed()).toEqual([]);
    FakeSocket.last.ready();
    expect(typed()).toEqual(['ls\r']);
    link.again(false);
    for (let key = 0; key < 10_000; key += 1) link.type('x');
    FakeSocket.last.ready({ session: 's2' });
    expect(typed()).toEqual(['x'.repeat(4096)]);
});

test('keys of a page that has waited are typed nowhere', () => {
    link.type('rm -r build\r');
    FakeSocket.last.end(1001);
    link.type('rm -r dist\r');
    vi.advanceTimersByTime(1000);
    FakeSocket.last.ready();
    FakeSocket.last.end(1001);
    link.type('rm -r docs\r');
    vi.advanceTimersByTime(1000);
    FakeSocket.last.ready();
    expect(FakeSocket.all).toHaveLength(3);
    for (const { said } of FakeSocket.all)
        expect(said.filter(({ type }) => type === 'input')).toEqual([]);
});

test('a border that is dragged is told of now and then, and where it stays', () => {
    FakeSocket.last.ready();
    FakeSocket.last.said = [];
    const told = (): unknown[] => FakeSocket.last.said.map(({ cols }) => cols);
    // 60 frames a second, for half a second.
    for (let frame = 1; frame <= 30; frame += 1) {
        link.resize({ cols: 80 + frame, rows: 24 });
        vi.advanceTimersByTime(16);
    }
    expect(told().length).toBeLessThanOrEqual(500 / 50);
    expect(told().length).toBeGreaterThan(3);
    vi.advanceTimersByTime(100);
    expect(told().at(-1)).toBe(110);
    const count = told().length;
    vi.advanceTimersByTime(1000);
    expect(told()).toHaveLength(count);
    // One alone is told at once, and one that is undone meanwhile ends as it is.
    link.resize({ cols: 90, rows: 24 });
    expect(told().at(-1)).toBe(90);
    link.resize({ cols: 91, rows: 24 });
    link.resize({ cols: 90, rows: 24 });
    vi.advanceTimersByTime(1000);
    expect(told().at(-1)).toBe(90);
    // A new connection is told what it has, once.
    link.resize({ cols: 100, rows: 24 });
    link.resize({ cols: 101, rows: 24 });
    FakeSocket.last.end(1001);
    vi.advanceTimersByTime(1000);
    FakeSocket.last.ready({ resumed: true });
    vi.advanceTimersByTime(1000);
    expect(told()).toEqual([101]);
});

test('what another page has answered meanwhile is no news, and it says when it was there itself', () => {
    FakeSocket.last.ready({ visit: 1 });
    FakeSocket.last.bytes(10);
    expect(FakeSocket.last.query('visit')).toBeNull();
    FakeSocket.last.end(1001);
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.last.query('visit')).toBe('1');
    FakeSocket.last.ready({ resumed: true, offset: 10, replay: 4, visit: 3 });
    FakeSocket.last.bytes(6);
    expect(happened.slice(-2)).toEqual(['4 again', '2 again']);
    FakeSocket.last.end(1001);
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.last.query('visit')).toBe('3');
    // One that begins anew has been nowhere.
    FakeSocket.last.end(4404);
    expect(FakeSocket.last.query('visit')).toBeNull();
});
