// The clipboard: what a program may do with it (OSC 52: write, once the person has allowed it; never read), and the way
// there.

/** The text that the sequence's payload `c;BASE64` writes; nothing for a question or for what is no text. */
export function written(payload: string): string | undefined {
    const encoded = payload.slice(payload.indexOf(';') + 1);
    if (encoded === '' || encoded === '?') return undefined;
    try {
        const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
        return undefined;
    }
}

/**
 * Puts `text` on the clipboard. Browsers have an interface for that only where a page came by https or from this machine; the
 * old command is left for the rest.
 */
export function copy(text: string): void {
    const { clipboard } = navigator as Partial<Pick<Navigator, 'clipboard'>>;
    if (clipboard) {
        clipboard.writeText(text).catch(() => {
            copyByCommand(text);
        });
    } else {
        copyByCommand(text);
    }
}

function copyByCommand(text: string): void {
    const fill = (event: ClipboardEvent): void => {
        event.clipboardData?.setData('text/plain', text);
        event.preventDefault();
        event.stopImmediatePropagation();
    };
    // Before xterm's own listener, which copies what is selected.
    document.addEventListener('copy', fill, { capture: true, once: true });
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way without the interface
    document.execCommand('copy');
    document.removeEventListener('copy', fill, { capture: true });
}
