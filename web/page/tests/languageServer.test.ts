import { expect, test } from 'vitest';

import { honest, uriOf } from '../src/nodes/languageServer.ts';

test('a path is a URI', () => {
    expect(uriOf('/p/a b/한.py')).toBe('file:///p/a%20b/%ED%95%9C.py');
});

test('the editor does not say that it asks for diagnostics', () => {
    const message = (method: string): string =>
        JSON.stringify({
            method,
            params: { capabilities: { textDocument: { diagnostic: {}, hover: {} } } },
        });
    expect(JSON.parse(honest(message('initialize')))).toEqual({
        method: 'initialize',
        params: { capabilities: { textDocument: { hover: {} } } },
    });
    expect(honest(message('other'))).toBe(message('other'));
    expect(honest('{"id":1}')).toBe('{"id":1}');
});
