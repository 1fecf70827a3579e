// What a program may do with the clipboard (OSC 52): write, once the person has allowed it. Never read.

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
