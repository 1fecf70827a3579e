// Answers that come bit by bit.

/** The lines of an answer, without their ends; no empty ones. */
export async function* lines(response: Response): AsyncGenerator<string> {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
        const read = await reader?.read();
        const parts = (rest + (read?.value ?? '')).split('\n');
        rest = parts.pop() ?? '';
        yield* parts.filter((line) => line !== '');
        if (read?.done !== false) break;
    }
    if (rest !== '') yield rest;
}

/** The data of an answer's server-sent events (HTML standard, section 9.2); each is one line here. */
export async function* serverSentEvents(response: Response): AsyncGenerator<string> {
    for await (const line of lines(response)) {
        const data = /^data: ?(.*?)\r?$/.exec(line)?.[1];
        if (data !== undefined) yield data;
    }
}
