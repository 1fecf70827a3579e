import { expect, test } from 'vitest';

import { lines, serverSentEvents } from '../src/api/streams.ts';

async function all(texts: AsyncIterable<string>): Promise<string[]> {
    const read = [];
    for await (const text of texts) read.push(text);
    return read;
}

/** An answer that comes in pieces of `size` bytes. */
function answer(text: string, size: number): Response {
    const bytes = new TextEncoder().encode(text);
    const body = new ReadableStream<Uint8Array>({
        start(controller) {
            for (let place = 0; place < bytes.length; place += size)
                controller.enqueue(bytes.slice(place, place + size));
            controller.close();
        },
    });
    return new Response(body);
}

test('lines are whole, wherever they were cut', async () => {
    const text = '{"한":"글"}\n\n{"emoji":"🎉"}\nlast without an end';
    for (const size of [1, 2, 3, 7, 1000]) {
        const read = await all(lines(answer(text, size)));
        expect(read).toEqual(['{"한":"글"}', '{"emoji":"🎉"}', 'last without an end']);
    }
    expect(await all(lines(new Response(null)))).toEqual([]);
});

test('events are their data', async () => {
    const text = ': comment\nevent: x\ndata: {"a":1}\n\ndata:{"b":2}\r\n\r\nid: 7\n\n';
    const read = await all(serverSentEvents(answer(text, 5)));
    expect(read).toEqual(['{"a":1}', '{"b":2}']);
});
