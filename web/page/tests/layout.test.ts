import { describe, expect, test } from 'vitest';

import { EMPTY, changed, panesOf, restored, written } from '../src/project/layout.ts';
import type { Change, Layout } from '../src/project/layout.ts';

function after(...changes: Change[]): Layout {
    return changes.reduce(changed, EMPTY);
}

/** The layout as `1,2|*3`: tabs of panes, the shown one marked. */
function drawn({ tabs, shown }: Layout): string {
    const draw = tabs.map(({ id, panes }) => {
        const names = panes.map((pane) => pane.session ?? `new ${pane.id}`).join(',');
        return id === shown ? `*${names}` : names;
    });
    return draw.join('|');
}

const open = (session: string): Change => ({ type: 'open', session });

describe('tabs', () => {
    test('are opened behind, and shown', () => {
        expect(drawn(after(open('a'), open('b')))).toBe('a|*b');
    });

    test('are split', () => {
        const layout = after(open('a'), { type: 'split' });
        expect(drawn(layout)).toBe('*a,new 3');
        expect(layout.tabs[0]?.focused).toBe(3);
        expect(drawn(after({ type: 'split' }))).toBe('*new 2');
    });

    test('are stepped through, round and round', () => {
        const layout = after(open('a'), open('b'), open('c'));
        expect(drawn(changed(layout, { type: 'step', by: 1 }))).toBe('*a|b|c');
        expect(drawn(changed(layout, { type: 'step', by: -1 }))).toBe('a|*b|c');
        expect(changed(EMPTY, { type: 'step', by: 1 })).toEqual(EMPTY);
    });

    test('go with their last pane, and the neighbour is shown', () => {
        const layout = after(open('a'), open('b'), { type: 'split' });
        const [first, second, third] = panesOf(layout).map(({ id }) => id);
        if (!first || !second || !third) throw new Error('three panes');
        const less = changed(layout, { type: 'close', pane: third });
        expect(drawn(less)).toBe('a|*b');
        expect(less.tabs[1]?.focused).toBe(second);
        expect(drawn(changed(less, { type: 'close', pane: second }))).toBe('*a');
        expect(drawn(changed(layout, { type: 'close', pane: first }))).toBe('*b,new 5');
    });

    test('come into sight with the pane that is gone to', () => {
        const layout = after(open('a'), open('b'));
        expect(drawn(changed(layout, { type: 'focus', pane: 2 }))).toBe('*a|b');
        expect(changed(layout, { type: 'focus', pane: 77 })).toBe(layout);
    });

    test('remember their sessions', () => {
        const layout = after(
            open('a'),
            { type: 'split' },
            { type: 'session', pane: 3, session: 'b' },
        );
        expect(drawn(layout)).toBe('*a,b');
    });
});

describe('what was kept', () => {
    const kept = written(after(open('a'), open('b'), { type: 'split' }, { type: 'step', by: -1 }));

    test('is restored as far as it lives', () => {
        expect(drawn(restored(kept, ['a', 'b'], []))).toBe('*a|b');
        expect(drawn(restored(kept, ['b'], ['c']))).toBe('*b');
    });

    test('gives way to sessions that nobody shows, and to a new one', () => {
        expect(drawn(restored(kept, ['c', 'd'], ['c', 'd']))).toBe('*c|d');
        expect(drawn(restored(undefined, [], []))).toBe('*new 2');
    });

    test('may be anything', () => {
        for (const text of ['', 'null', '7', '{}', '{"sessions":7}', '{"sessions":[7,[7]]}', '['])
            expect(drawn(restored(text, ['a'], []))).toBe('*new 2');
    });

    test('leads to numbers that are new', () => {
        const layout = changed(restored(kept, ['a', 'b'], []), { type: 'open' });
        const numbers = layout.tabs.flatMap(({ id, panes }) => [
            id,
            ...panes.map((pane) => pane.id),
        ]);
        expect(new Set(numbers).size).toBe(numbers.length);
    });
});
