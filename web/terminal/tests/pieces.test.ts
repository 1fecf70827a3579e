import { expect, test } from 'vitest';

import { Outbox, PIECE, pasted, pieces } from '../src/pieces.ts';

class Wire {
    bufferedAmount = 0;
    texts: string[] = [];

    send(message: string): void {
        this.texts.push((JSON.parse(message) as { data: string }).data);
    }
}

test('a text is cut into pieces, and no character in two', () => {
    const text = '🎉'.repeat(10);
    for (const longest of [1, 2, 3, 5, 7, 100]) {
        const cut = [...pieces(text, longest)];
        expect(cut.join('')).toBe(text);
        if (longest > 1)
            for (const piece of cut) expect(() => encodeURIComponent(piece)).not.toThrow();
    }
});

test('a paste has the line ends of keys, and cannot leave its bracket', () => {
    expect(pasted('a\r\nb\nc', true)).toBe('a\rb\rc');
    expect(pasted('x\x1b[201~rm', true)).not.toContain('\x1b');
    expect(pasted('x\x1b[A', false)).toContain('\x1b');
    expect(pasted('\ta\x03b\x7fc\x9bd\0', true)).toBe('\ta\u2403b\u2421c\ufffdd\u2400');
});

test('a long paste is one bracket, and keys come after it', () => {
    const [outbox, wire] = [new Outbox(), new Wire()];
    outbox.open(wire, false);
    outbox.paste('x'.repeat(3 * PIECE), true);
    outbox.type('!');
    expect(wire.texts[0]).toBe('\x1b[200~');
    expect(wire.texts.slice(1, 4).map((text) => text.length)).toEqual([PIECE, PIECE, PIECE]);
    expect(wire.texts.slice(4)).toEqual(['\x1b[201~', '!']);
});

test('a full socket is waited for', async () => {
    const [outbox, wire] = [new Outbox(), new Wire()];
    outbox.open(wire, false);
    wire.bufferedAmount = 1 << 20;
    outbox.type('later');
    expect(wire.texts).toEqual([]);
    wire.bufferedAmount = 0;
    await expect.poll(() => wire.texts).toEqual(['later']);
});

test('a paste that was cut off is ended in its session, and in no other', () => {
    const ended = (isSame: boolean): string[] => {
        const [outbox, first, second] = [new Outbox(), new Wire(), new Wire()];
        outbox.open(first, false);
        const send = first.send.bind(first);
        first.send = (message) => {
            send(message);
            if (first.texts.length === 2) first.bufferedAmount = 1 << 20;
        };
        outbox.paste('x'.repeat(2 * PIECE), true);
        outbox.shut();
        outbox.open(second, isSame);
        return second.texts;
    };
    expect(ended(true)).toEqual(['\x1b[201~']);
    expect(ended(false)).toEqual([]);
});

test('what is typed without a socket is not typed later', () => {
    const [outbox, wire] = [new Outbox(), new Wire()];
    outbox.type('lost');
    outbox.open(wire, false);
    expect(wire.texts).toEqual([]);
});
