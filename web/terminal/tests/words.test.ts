import { expect, test } from 'vitest';

import { written } from '../src/clipboard.ts';
import { isFinal, understood } from '../src/protocol.ts';
import { whyEnded, words } from '../src/words.ts';

test('every end has words of its own in both languages', () => {
    const ends: [number, string][] = [
        [1000, 'exit 3'],
        [1000, 'closed'],
        [1011, 'no shell'],
        [4401, ''],
        [4404, 'x'],
        [4408, ''],
        [4409, ''],
        [4429, '256'],
    ];
    for (const locale of ['en', 'ko'] as const) {
        const said = ends.map(([code, reason]) => whyEnded(words[locale], code, reason, false));
        expect(new Set(said).size).toBe(ends.length);
        for (const [code] of ends) expect(isFinal(code)).toBe(true);
    }
    for (const code of [1001, 1006, 1012]) expect(isFinal(code)).toBe(false);
    expect(whyEnded(words.en, 4404, '', true)).toContain('gone');
});

test('text frames are understood, and what is unknown is none', () => {
    expect(understood('{"type":"exit","code":3,"signal":null}')).toMatchObject({ code: 3 });
    for (const text of ['', 'null', '[]', '7', '{}', '{"type":"later"}', '{"type":7}', '{'])
        expect(understood(text)).toBeUndefined();
});

test('a program may write text to the clipboard, and nothing else', () => {
    expect(written('c;7ZWc6riA')).toBe('한글');
    for (const payload of ['c;?', 'c;', '', ';', 'c;***', 'c;/w=='])
        expect(written(payload)).toBeUndefined();
});
