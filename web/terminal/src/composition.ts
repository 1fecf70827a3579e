// What an input method writes into the terminal's hidden textarea, each syllable once.
//
// xterm 6 sends the textarea's tail from timers, which doubles or drops Hangul where the next syllable, an Enter or a blur
// comes before the timer. Here nothing waits: what was sent is remembered as a prefix of the textarea, and after each
// event the difference is sent. A syllable that is still being composed is shown and not sent; a key that is no part of it,
// and a blur, send it first. In browsers that fire no composition events, and replace text instead, the last Hangul
// syllable counts as being composed.

const HANGUL = /[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb]$/;
const DELETE = '\x7f';
/** They end nothing, alone. */
const MODIFIERS = new Set([
    'Shift',
    'Control',
    'Alt',
    'AltGraph',
    'Meta',
    'CapsLock',
    'NumLock',
    'Fn',
]);

/** The part of an event that matters, so that recorded ones can be played. */
export interface Observed {
    type: string;
    data?: string | null;
    key?: string;
    keyCode?: number;
    inputType?: string;
}

export interface Composed {
    /** The textarea. */
    readonly field: { value: string };
    send(text: string): void;
    /** Shows what is being composed; nothing for an empty text. */
    show(text: string): void;
}

export class Composition {
    /** The textarea's text up to here was sent, or needs no sending. */
    private sent = '';
    private preview = '';
    private isComposing = false;
    /** A key ended the composition before the browser did. */
    private isSettled = false;
    private hasComposed = false;
    /** What the composition that ended last became. */
    private committed = '';
    /** xterm has sent this key's character itself. */
    private isTyped = false;

    constructor(private readonly to: Composed) {}

    /** Whether something is shown that is not sent. */
    get isUnderWay(): boolean {
        return this.preview !== '';
    }

    /** Takes an event in; whether xterm is not to see it. */
    observe(event: Observed): boolean {
        switch (event.type) {
            case 'keydown':
                return this.key(event);
            case 'keypress':
                this.isTyped = !this.isComposing;
                return false;
            case 'compositionstart':
                this.settle();
                this.sent = this.to.field.value;
                this.isComposing = true;
                this.hasComposed = true;
                this.isSettled = false;
                return true;
            case 'compositionupdate':
                this.display(event.data ?? '');
                return true;
            case 'compositionend':
                this.end(event.data ?? '');
                return true;
            case 'input':
                this.edit(event);
                return true;
            case 'blur':
                this.settle();
                return false;
            case 'focus':
            case 'contextmenu':
                // xterm empties the textarea on blur, and puts the selection into it for a menu.
                this.sent = this.to.field.value;
                return false;
            default:
                return false;
        }
    }

    private key({ key, keyCode }: Observed): boolean {
        this.isTyped = false;
        // 229: the input method has it.
        if (keyCode === 229 || key === 'Dead' || key === 'Process') return true;
        if (MODIFIERS.has(key ?? '')) return false;
        // Without composition events, a syllable that is not sent yet is the textarea's to delete from.
        if (keyCode === 8 && !this.isComposing && this.preview !== '') return true;
        this.settle();
        if (!this.isComposing) {
            this.to.field.value = '';
            this.sent = '';
        }
        return false;
    }

    /** Sends what is being composed now. */
    private settle(): void {
        if (this.preview === '' || this.isSettled) return;
        this.isSettled = this.isComposing;
        this.send(this.preview);
        this.sent += this.preview;
        this.display('');
    }

    private end(data: string): void {
        this.isComposing = false;
        this.display('');
        if (this.isSettled) {
            this.isSettled = false;
            this.sent = this.to.field.value;
            return;
        }
        this.send(data);
        this.sent += data;
        this.committed = data;
    }

    private edit({ data, inputType }: Observed): void {
        const { value } = this.to.field;
        if (this.isComposing) return;
        // Firefox tells of the composition's text once more, after its end.
        const isOfComposition = inputType?.includes('Composition') ?? false;
        const isEcho = isOfComposition && (data ?? '') === this.committed;
        if (isEcho) {
            this.sent = value;
            return;
        }
        if (this.isTyped) {
            this.isTyped = false;
            this.sent = value;
            return;
        }
        const held = this.hasComposed
            ? ''
            : (HANGUL.exec(value.slice(this.sent.length))?.[0] ?? '');
        this.catchUp(value.slice(0, value.length - held.length));
        this.display(held);
    }

    /** Makes what was sent what `text` is. */
    private catchUp(text: string): void {
        const [before, now] = [Array.from(this.sent), Array.from(text)];
        const differs = before.findIndex((character, place) => character !== now[place]);
        const same = differs < 0 ? before.length : differs;
        const news = DELETE.repeat(before.length - same) + now.slice(same).join('');
        this.sent = text;
        this.send(news.replaceAll('\n', '\r'));
    }

    private send(text: string): void {
        if (text !== '') this.to.send(text);
    }

    private display(text: string): void {
        this.preview = text;
        this.to.show(text);
    }
}
