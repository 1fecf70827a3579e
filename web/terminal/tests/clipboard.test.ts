// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest';

import { copy } from '../src/clipboard.ts';

afterEach(() => {
    vi.unstubAllGlobals();
});

/** A browser whose command lets the page say what is copied. */
function browser(clipboard: object | undefined): { copied: string[] } {
    const copied: string[] = [];
    vi.stubGlobal('navigator', { clipboard });
    const execCommand = (command: string): boolean => {
        const event = Object.assign(new Event(command, { cancelable: true }), {
            clipboardData: { setData: (_: string, text: string) => copied.push(text) },
        });
        document.dispatchEvent(event);
        return true;
    };
    Object.assign(document, { execCommand });
    return { copied };
}

test('text is copied by the interface, where there is one', () => {
    const writeText = vi.fn(() => Promise.resolve());
    const { copied } = browser({ writeText });
    copy('한글');
    expect(writeText).toHaveBeenCalledWith('한글');
    expect(copied).toEqual([]);
});

test('text is copied where there is none, or where it refuses', async () => {
    const without = browser(undefined);
    copy('한글');
    expect(without.copied).toEqual(['한글']);
    document.dispatchEvent(new Event('copy'));
    expect(without.copied).toEqual(['한글']);
    const refused = browser({ writeText: () => Promise.reject(new Error('not allowed')) });
    copy('again');
    await expect.poll(() => refused.copied).toEqual(['again']);
});
