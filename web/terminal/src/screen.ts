// xterm with what this component needs of it: addons, links, paste, copy, composition.

import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal } from '@xterm/xterm';

import { copy, written } from './clipboard.ts';
import { Composition } from './composition.ts';
import { colours } from './themes.ts';
import type { Theme } from './themes.ts';

export interface ScreenOptions {
    theme: Theme;
    fontSize: number;
    screenReaderMode: boolean;
    /** Typed by the person, or answered by the terminal. */
    onType(text: string): void;
    onPaste(text: string, isBracketed: boolean): void;
    /** A program wants `text` on the clipboard. */
    onCopy(text: string): void;
    onFind(): void;
    /** The person wants to leave the terminal. */
    onLeave(): void;
    /** Whether what is written now was written before, so that its questions have been answered. */
    isReplay(): boolean;
}

export interface Screen {
    terminal: Terminal;
    search: SearchAddon;
    /** As many cells as there is room for. */
    fit(): void;
    dispose(): void;
}

const COMPOSITION_EVENTS = [
    'keydown',
    'keypress',
    'compositionstart',
    'compositionupdate',
    'compositionend',
    'input',
    'blur',
    'focus',
    'contextmenu',
];

export function screenIn(place: HTMLElement, options: ScreenOptions): Screen {
    const terminal = new Terminal({
        allowProposedApi: true,
        fontFamily:
            'ui-monospace, "SFMono-Regular", Menlo, "DejaVu Sans Mono", "Noto Sans Mono CJK KR", monospace',
        fontSize: options.fontSize,
        // Else a font's underscores are cut off below.
        lineHeight: 1.15,
        screenReaderMode: options.screenReaderMode,
        theme: colours(options.theme),
        scrollback: 10_000,
        macOptionIsMeta: false,
        linkHandler: {
            activate: (_, uri) => {
                follow(uri);
            },
            allowNonHttpProtocols: false,
        },
    });
    const fit = new FitAddon();
    const search = new SearchAddon();
    terminal.loadAddon(fit);
    terminal.loadAddon(search);
    terminal.loadAddon(new UnicodeGraphemesAddon());
    terminal.loadAddon(
        new WebLinksAddon((_, uri) => {
            follow(uri);
        }),
    );
    terminal.parser.registerOscHandler(52, (payload) => {
        const text = written(payload);
        if (text !== undefined && !options.isReplay()) options.onCopy(text);
        return true;
    });
    answerOnce(terminal, () => options.isReplay());
    terminal.onData((text) => {
        // A program that asked for the focus is told it at once, and was told it when it asked first.
        const isFocus = text === '\x1b[I' || text === '\x1b[O';
        if (!(isFocus && options.isReplay())) options.onType(text);
    });
    terminal.open(place);
    drawByGpu(terminal);
    const listening = new AbortController();
    compose(terminal, place, listening.signal);
    place.addEventListener(
        'paste',
        (event) => {
            event.preventDefault();
            event.stopPropagation();
            const text = event.clipboardData?.getData('text/plain') ?? '';
            if (text === '') return;
            // As for what is typed: where it goes is to be seen.
            terminal.scrollToBottom();
            options.onPaste(text, terminal.modes.bracketedPasteMode);
        },
        { capture: true, signal: listening.signal },
    );
    terminal.attachCustomKeyEventHandler((event) => isForShell(event, terminal, options));
    return {
        terminal,
        search,
        fit: () => {
            if (place.clientWidth > 0 && place.clientHeight > 0) fit.fit();
        },
        dispose: () => {
            listening.abort();
            terminal.dispose();
        },
    };
}

/** Opens an address that a program printed, without telling it who sent the person. */
function follow(uri: string): void {
    if (/^https?:\/\//i.test(uri)) window.open(uri, '_blank', 'noopener,noreferrer');
}

/** Leaves questions to the terminal (its attributes, cursor, modes, colours) unanswered while they are asked again. */
function answerOnce({ parser }: Terminal, isReplay: () => boolean): void {
    const questions = [
        { final: 'c' },
        { prefix: '>', final: 'c' },
        { prefix: '=', final: 'c' },
        { prefix: '>', final: 'q' },
        { final: 'n' },
        { prefix: '?', final: 'n' },
        { intermediates: '$', final: 'p' },
        { prefix: '?', intermediates: '$', final: 'p' },
        { prefix: '?', final: 'u' },
    ];
    for (const question of questions) parser.registerCsiHandler(question, () => isReplay());
    parser.registerDcsHandler({ intermediates: '$', final: 'q' }, isReplay);
    for (const colour of [4, 10, 11, 12]) {
        parser.registerOscHandler(colour, (asked) => asked.includes('?') && isReplay());
    }
}

/** WebGL where there is one; the DOM renderer where there is none, or none any more. */
function drawByGpu(terminal: Terminal): void {
    try {
        const webgl = new WebglAddon();
        webgl.onContextLoss(() => {
            webgl.dispose();
        });
        terminal.loadAddon(webgl);
    } catch {
        // xterm draws by the DOM until a renderer is loaded.
    }
}

/** Puts [`Composition`] between the textarea and xterm. */
function compose(terminal: Terminal, place: HTMLElement, signal: AbortSignal): void {
    const field = terminal.textarea;
    const view = place.querySelector<HTMLElement>('.composition-view');
    if (!field || !view) return;
    const composition = new Composition({
        field,
        send: (text) => {
            terminal.input(text, true);
        },
        show: (text) => {
            showAtCursor(terminal, place, view, text);
        },
    });
    // A click ends what is being composed, and not all input methods do that themselves.
    const end = (): void => {
        if (composition.isUnderWay) field.blur();
    };
    place.addEventListener('mousedown', end, { capture: true, signal });
    // The ancestor's capture comes before xterm's own listeners on the textarea.
    for (const type of COMPOSITION_EVENTS) {
        place.addEventListener(
            type,
            (event) => {
                if (event.target === field && composition.observe(event)) event.stopPropagation();
            },
            { capture: true, signal },
        );
    }
}

function showAtCursor(
    terminal: Terminal,
    place: HTMLElement,
    view: HTMLElement,
    text: string,
): void {
    const screen = place.querySelector<HTMLElement>('.xterm-screen');
    view.textContent = text;
    view.classList.toggle('active', text !== '');
    if (text === '' || !screen) return;
    const [width, height] = [
        screen.clientWidth / terminal.cols,
        screen.clientHeight / terminal.rows,
    ];
    const { cursorX, cursorY } = terminal.buffer.active;
    Object.assign(view.style, {
        left: `${Math.min(cursorX, terminal.cols - 1) * width}px`,
        top: `${cursorY * height}px`,
        height: `${height}px`,
        lineHeight: `${height}px`,
        fontFamily: terminal.options.fontFamily,
        fontSize: `${terminal.options.fontSize ?? 14}px`,
    });
}

/** Ctrl-Shift-C copies, -F finds, -X leaves; Ctrl-Shift-V is left to the browser, which pastes. */
function isForShell(event: KeyboardEvent, terminal: Terminal, options: ScreenOptions): boolean {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.altKey) return true;
    switch (event.code) {
        case 'KeyC':
            event.preventDefault();
            if (terminal.hasSelection()) copy(terminal.getSelection());
            return false;
        case 'KeyF':
            event.preventDefault();
            options.onFind();
            return false;
        case 'KeyX':
            event.preventDefault();
            options.onLeave();
            return false;
        case 'KeyV':
            return false;
        default:
            return true;
    }
}
