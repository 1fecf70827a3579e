import { expect, test } from 'vitest';

import type { Waiting } from '../src/api/calls.ts';
import { shown, without, withWait } from '../src/nodes/waiting.ts';
import type { Wait } from '../src/nodes/waiting.ts';
import { words } from '../src/words.ts';

const { en, ko } = words;

function said(waiting: Waiting, title?: string): string[] {
    const wait: Wait = {
        node: 'a',
        waiting,
        since: 1_000,
        ...(title === undefined ? {} : { title }),
    };
    return [shown(wait, 13_400, en), shown(wait, 13_400, ko)];
}

test('what is waited for is said as the commands say it', () => {
    expect(said({ for: 'node', file: 'nodes/long.py' })).toEqual([
        'waiting for nodes/long.py (12 s so far) · Interrupt ends it',
        'nodes/long.py 실행이 끝나기를 기다리는 중 (12초째) · 중단을 누르면 끝납니다',
    ]);
    expect(said({ for: 'worker', changed: ['numpy'] })).toEqual([
        'starting a worker: numpy changed (12 s so far)',
        '워커를 시작하는 중: numpy 변경됨 (12초째)',
    ]);
    expect(said({ for: 'worker', changed: ['a', 'b', 'c', 'd'] })[0]).toBe(
        'starting a worker: a, b, c, … changed (12 s so far)',
    );
    expect(said({ for: 'worker', file: 'used.py' })[0]).toBe(
        'starting a worker: used.py changed (12 s so far)',
    );
    expect(said({ for: 'worker' })).toEqual([
        'starting a worker (12 s so far)',
        '워커를 시작하는 중 (12초째)',
    ]);
    expect(said({ for: 'made-up-later' } as never)).toEqual([
        'waiting for the daemon (12 s so far)',
        '데몬의 응답을 기다리는 중 (12초째)',
    ]);
    expect(said({ for: 'worker' }, 'Add')[0]).toBe('Add: starting a worker (12 s so far)');
});

test('a minute and more is told as such', () => {
    const wait: Wait = { node: 'a', waiting: { for: 'worker' }, since: 0 };
    expect(shown(wait, 125_000, en)).toBe('starting a worker (2 min 05 s so far)');
});

test('a wait begins once, goes on, and ends', () => {
    const wait = (node: string, waiting: Waiting, since: number): Wait => ({
        node,
        waiting,
        since,
    });
    let waits = withWait([], wait('a', { for: 'node', file: 'x.py' }, 1));
    waits = withWait(waits, wait('b', { for: 'worker' }, 2));
    waits = withWait(waits, wait('a', { for: 'worker' }, 3));
    expect(waits).toEqual([wait('a', { for: 'worker' }, 1), wait('b', { for: 'worker' }, 2)]);
    expect(withWait(waits, wait('a', { for: 'nothing' }, 4))).toEqual([waits[1]]);
    expect(without(waits, 'b')).toEqual([waits[0]]);
});
