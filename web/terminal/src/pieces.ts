// Text on its way to the shell, in pieces, no faster than the socket takes them.
//
// A paste is one pair of bracketed-paste marks around as many pieces as it needs; what is typed meanwhile comes after it.
// Where the connection breaks inside a paste, the closing mark is owed: without it the shell would take all that follows
// for pasted text.

/** UTF-16 units of one message. Escaped as JSON they stay below the daemon's 1 MiB. */
export const PIECE = 64 * 1024;

/** Bytes that may wait in the socket before the next piece does. */
const ENOUGH = 256 * 1024;

const PATIENCE_MS = 15;
const OPEN = '\x1b[200~';
const CLOSE = '\x1b[201~';

/** But tabs and line ends. */
const CONTROLS = /[^\P{Cc}\t\r]/gu;

/** Cuts `text` into pieces, never inside a code point. */
export function* pieces(text: string, longest = PIECE): Generator<string> {
    for (let start = 0; start < text.length;) {
        let end = Math.min(start + longest, text.length);
        const last = text.charCodeAt(end - 1);
        if (end < text.length && end - start > 1 && last >= 0xd800 && last < 0xdc00) end -= 1;
        yield text.slice(start, end);
        start = end;
    }
}

/**
 * What a paste looks like to the shell. An ESC in it could end the bracket, a Ctrl-C the line that it is pasted into, after
 * which the rest would be obeyed: control characters are shown as signs.
 */
export function pasted(text: string, isBracketed: boolean): string {
    const lines = text.replace(/\r?\n/g, '\r');
    return isBracketed ? lines.replace(CONTROLS, sign) : lines;
}

/** `␃` for Ctrl-C (Unicode's control pictures); those above ASCII have none. */
function sign(control: string): string {
    const code = control.charCodeAt(0);
    if (code === 0x7f) return '\u2421';
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd';
}

interface Wire {
    readonly bufferedAmount: number;
    send(text: string): void;
}

export class Outbox {
    private waiting: { text: string; isBracketed: boolean }[] = [];
    private wire: Wire | undefined;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private isInBracket = false;

    /** The socket to send by from now on. Where a paste was cut off in this session, its end is said first. */
    open(wire: Wire, isSameSession: boolean): void {
        this.wire = wire;
        if (this.isInBracket && isSameSession) this.put(CLOSE, false);
        this.isInBracket = false;
        this.flush();
    }

    /** The socket is gone. What waited is dropped: nobody wants it typed a minute later. */
    shut(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.wire = undefined;
        this.waiting = [];
    }

    type(text: string): void {
        this.put(text, false);
        this.flush();
    }

    paste(text: string, isBracketed: boolean): void {
        const whole = pasted(text, isBracketed);
        if (isBracketed) this.put(OPEN, true);
        this.put(whole, isBracketed);
        if (isBracketed) this.put(CLOSE, false);
        this.flush();
    }

    private put(text: string, isBracketed: boolean): void {
        if (!this.wire) return;
        for (const piece of pieces(text)) this.waiting.push({ text: piece, isBracketed });
    }

    private flush(): void {
        if (this.timer !== undefined) return;
        while (this.wire && this.wire.bufferedAmount < ENOUGH) {
            const next = this.waiting.shift();
            if (!next) return;
            this.isInBracket = next.isBracketed;
            this.wire.send(JSON.stringify({ type: 'input', data: next.text }));
        }
        if (!this.wire) return;
        this.timer = setTimeout(() => {
            this.timer = undefined;
            this.flush();
        }, PATIENCE_MS);
    }
}
