import { expect, test } from 'vitest';

import { noticeOf, withNotice } from '../src/project/notices.ts';
import type { Notice } from '../src/project/notices.ts';
import { isBusy, nameOf } from '../src/project/sessions.ts';
import { shortcutOf } from '../src/project/shortcuts.ts';
import { addressOf, projectIn } from '../src/route.ts';
import { defaults, read } from '../src/settings.ts';

test('the language is the first that the browser prefers', () => {
    for (const [languages, locale] of [
        [['ko-KR', 'en'], 'ko'],
        [['ko'], 'ko'],
        [['en-US', 'ko'], 'en'],
        [['kok'], 'en'],
        [[], 'en'],
    ] as const)
        expect(defaults(languages).locale).toBe(locale);
});

test('what was kept may be anything', () => {
    const usual = defaults(['ko']);
    for (const text of [null, '', '[', 'null', '7', '{"theme":7,"locale":"de","guide":"no"}'])
        expect(read(text, usual)).toEqual(usual);
    expect(read('{"theme":"dark","guide":false,"other":1}', usual)).toEqual({
        ...usual,
        theme: 'dark',
        guide: false,
    });
});

test('an address leads to its project', () => {
    for (const id of ['demo', '한글 폴더', 'a/b?c#d%']) expect(projectIn(addressOf(id))).toBe(id);
    for (const hash of ['', '#', '#/', '#/projects/', '#/projects/%', '#/other/x'])
        expect(projectIn(hash)).toBeUndefined();
});

test('keys of the page are with Ctrl and Shift alone', () => {
    const key = { code: 'KeyH', ctrlKey: true, shiftKey: true, altKey: false, metaKey: false };
    expect(shortcutOf(key)).toBe('history');
    expect(shortcutOf({ ...key, shiftKey: false })).toBeUndefined();
    expect(shortcutOf({ ...key, altKey: true })).toBeUndefined();
    expect(shortcutOf({ ...key, code: 'KeyC' })).toBeUndefined();
});

test('news of one thing is one notice', () => {
    const time = '2026-03-01T12:00:00Z';
    const told = (type: 'worker-ready' | 'worker-failed' | 'env-changed'): Notice | undefined =>
        noticeOf({ type, time, generation: 7, reason: 'why' }, 1);
    expect(told('env-changed')).toBeUndefined();
    const [failed, ready] = [told('worker-failed'), told('worker-ready')];
    expect(failed).toMatchObject({ kind: 'bad', reason: 'why' });
    expect(ready).toMatchObject({ kind: 'good', generation: 7 });
    if (failed && ready) expect(withNotice([failed], ready)).toEqual([ready]);
});

test('a session is named by what runs in it', () => {
    const session = (command: string | null): Parameters<typeof nameOf>[0] => ({
        session: 's',
        project: 'p',
        path: '/p',
        command,
        shell: '/bin/bash',
        pid: 1,
        started_at: '',
        is_shown: true,
        cols: 80,
        rows: 24,
        idle_s: 0,
    });
    for (const [command, name, busy] of [
        [null, 'bash', false],
        ['/bin/bash --rcfile /run/aim/start.bash -i', 'bash', false],
        ['-bash', 'bash', false],
        ['/usr/bin/vim notes.txt', 'vim notes.txt', true],
        ['sleep 1000', 'sleep 1000', true],
    ] as const) {
        expect(nameOf(session(command), 'shell')).toBe(name);
        expect(isBusy(session(command))).toBe(busy);
    }
    expect(nameOf(undefined, 'shell')).toBe('shell');
});
