import { expect, test } from 'vitest';

import type { RunInfo } from '../src/api/calls.ts';
import { ago, changes, duration, ending, tail } from '../src/formats.ts';
import { words } from '../src/words.ts';

const { en, ko } = words;

test('times as aim-logs writes them', () => {
    const now = new Date(2026, 2, 1, 12);
    const check = (seconds: number, english: string, korean: string): void => {
        const when = new Date(now.getTime() - seconds * 1000);
        expect([ago(when, now, en), ago(when, now, ko)]).toEqual([english, korean]);
    };
    check(0, 'just now', '방금');
    check(-3, 'just now', '방금');
    check(5, '5 s ago', '5초 전');
    check(59, '59 s ago', '59초 전');
    check(60, '1 min ago', '1분 전');
    check(3599, '59 min ago', '59분 전');
    check(7200, '2 h ago', '2시간 전');
    check(86_400, '1 day ago', '1일 전');
    check(13 * 86_400, '13 days ago', '13일 전');
    check(14 * 86_400, '2026-02-15', '2026-02-15');
    check(-3600, '2026-03-01', '2026-03-01');
});

test('durations to three digits', () => {
    for (const [ms, english, korean] of [
        [4, '4 ms', '4밀리초'],
        [994, '994 ms', '994밀리초'],
        [1204, '1.2 s', '1.2초'],
        [59_949, '59.9 s', '59.9초'],
        [125_000, '2 min 05 s', '2분 05초'],
        [3_780_000, '1 h 03 min', '1시간 03분'],
    ] as const)
        expect([duration(ms, en), duration(ms, ko)]).toEqual([english, korean]);
});

function run(more: Partial<RunInfo>): RunInfo {
    const usual = { id: '1', action: 'install', started_at: '', status: 'success', bytes: 0 };
    return { ...usual, ...more };
}

test('changes have a sign each', () => {
    const all = changes(
        run({
            added: [{ name: 'six', from: null, to: '1.16.0' }],
            removed: [{ name: 'Charset_Normalizer', from: '1.0', to: null }],
            changed: [
                { name: 'y', from: '1', to: '2' },
                { name: 'z', from: '3', to: '3' },
            ],
            startup: [{ name: 'a.pth', change: 'added' }],
        }),
        en,
    );
    expect(all?.map(({ text }) => text)).toEqual([
        '+six 1.16.0',
        '~y 1 → 2',
        '~z 3 (reinstalled)',
        '-charset-normalizer 1.0',
        '+a.pth (startup file)',
    ]);
    expect(changes(run({}), en)).toBeUndefined();
});

test('ends in both languages', () => {
    for (const [more, english, korean] of [
        [{}, 'ok', '성공'],
        [{ status: 'error', exit_code: 2 }, 'failed (exit 2)', '실패 (종료 코드 2)'],
        [{ status: 'error', signal: 9 }, 'signal 9', '시그널 9'],
        [{ status: 'error' }, 'failed', '실패'],
        [{ status: 'interrupted' }, 'interrupted', '중단됨'],
    ] as const)
        expect([ending(run(more), en), ending(run(more), ko)]).toEqual([english, korean]);
});

test('of a path its end is shown', () => {
    expect(tail('/home/kim/p/.venv', '/home/kim/p')).toBe('.venv');
    expect(tail('/data/venvs/p-x1', '/home/kim/p')).toBe('venvs/p-x1');
});
