// A terminal in a project, as a React component.

import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { copy } from './clipboard.ts';
import { Connection } from './connection.ts';
import type { State } from './connection.ts';
import { FindBar } from './FindBar.tsx';
import type { Exit, ProjectEvent } from './protocol.ts';
import { screenIn } from './screen.ts';
import type { Screen } from './screen.ts';
import { colours } from './themes.ts';
import type { Theme } from './themes.ts';
import { whyEnded, words } from './words.ts';
import type { Locale } from './words.ts';

export interface ProjectTerminalProps {
    projectId: string;
    /** Of the daemon; this page's own origin where it is not said. */
    url?: string;
    /** Needless where the daemon's cookie is set. */
    token?: string | undefined;
    /** The session to take up, when the component is mounted. */
    session?: string | undefined;
    theme?: Theme;
    locale?: Locale;
    screenReaderMode?: boolean;
    fontSize?: number;
    /** Whether what is selected is on the clipboard at once. */
    copyOnSelect?: boolean;
    onSession?(session: string): void;
    onExit?(exit: Exit): void;
    onEvent?(event: ProjectEvent): void;
}

/** For a page of another project or daemon: mount it anew, by `key`. */
export function ProjectTerminal(props: ProjectTerminalProps): ReactElement {
    const { theme = 'dark', fontSize = 14, screenReaderMode = false, locale = 'en' } = props;
    const w = words[locale];
    const place = useRef<HTMLDivElement>(null);
    const exit = useRef<HTMLDivElement>(null);
    const screen = useRef<Screen | null>(null);
    const connection = useRef<Connection | null>(null);
    const latest = useRef(props);
    const [state, setState] = useState<State>({ name: 'connecting' });
    const [wanted, setWanted] = useState<string>();
    const [isFinding, setFinding] = useState(false);
    const mayCopy = useRef<boolean>(undefined);

    useEffect(() => {
        latest.current = props;
    });

    useEffect(() => {
        if (!place.current) return;
        const { url = location.origin, projectId, token, session } = latest.current;
        const shown = screenIn(place.current, {
            theme: latest.current.theme ?? 'dark',
            fontSize: latest.current.fontSize ?? 14,
            screenReaderMode: latest.current.screenReaderMode ?? false,
            onType: (text) => {
                link.type(text);
            },
            onPaste: (text, isBracketed) => {
                link.paste(text, isBracketed);
            },
            onCopy: (text) => {
                if (mayCopy.current === true) copy(text);
                else if (mayCopy.current === undefined) setWanted(text);
            },
            onFind: () => {
                setFinding(true);
            },
            onLeave: () => {
                exit.current?.focus();
            },
            isReplay: () => link.isReplaying(),
        });
        const { terminal } = shown;
        shown.fit();
        const link = new Connection({
            url,
            projectId,
            token,
            session,
            size: { cols: terminal.cols, rows: terminal.rows },
            onState: setState,
            onSession: (id) => latest.current.onSession?.(id),
            onExit: (exit) => latest.current.onExit?.(exit),
            onEvent: (event) => latest.current.onEvent?.(event),
            onBytes: (bytes, drawn) => {
                terminal.write(bytes, drawn);
            },
            onAnew: () => {
                // Out of the alternate screen and of every mode; what was shown before stays to be read (1049 would put
                // the cursor where it once was saved).
                const { anew } = words[latest.current.locale ?? 'en'];
                terminal.write(`\x1b[?1047l\x1b[!p\r\n\x1b[2m${anew}\x1b[0m\r\n`);
            },
            onReset: () => {
                // In its turn: what was written before must not be drawn after it.
                terminal.write('', () => {
                    terminal.reset();
                });
            },
        });
        terminal.onSelectionChange(() => {
            const text = terminal.getSelection();
            if (latest.current.copyOnSelect === true && text !== '') copy(text);
        });
        terminal.onResize((size) => {
            link.resize(size);
        });
        const sizes = new ResizeObserver(() => {
            shown.fit();
        });
        sizes.observe(place.current);
        screen.current = shown;
        connection.current = link;
        link.start();
        terminal.focus();
        return () => {
            sizes.disconnect();
            link.stop();
            shown.dispose();
        };
    }, []);

    useEffect(() => {
        const shown = screen.current;
        if (!shown) return;
        Object.assign(shown.terminal.options, {
            theme: colours(theme),
            fontSize,
            screenReaderMode,
        });
        shown.fit();
    }, [theme, fontSize, screenReaderMode]);

    const answer = (may: boolean): void => {
        mayCopy.current = may;
        if (may && wanted !== undefined) copy(wanted);
        setWanted(undefined);
        screen.current?.terminal.focus();
    };
    const again = (isSame: boolean): void => {
        connection.current?.again(isSame);
        screen.current?.terminal.focus();
    };

    return (
        <div
            className="aim-terminal"
            style={{ background: colours(theme).background }}
            role="group"
            aria-label={w.terminal}
            aria-keyshortcuts="Control+Shift+X"
        >
            <div className="aim-terminal-screen" ref={place} />
            {isFinding && (
                <FindBar
                    words={w}
                    onFind={(text, isBack) => {
                        const search = screen.current?.search;
                        if (isBack) search?.findPrevious(text);
                        else search?.findNext(text);
                    }}
                    onClose={() => {
                        setFinding(false);
                        screen.current?.search.clearDecorations();
                        screen.current?.terminal.focus();
                    }}
                />
            )}
            {wanted !== undefined && (
                <div className="aim-terminal-notice" role="alertdialog" aria-label={w.copyAsked}>
                    <span>{w.copyAsked}</span>
                    <button
                        type="button"
                        onClick={() => {
                            answer(true);
                        }}
                    >
                        {w.allow}
                    </button>
                    <button
                        type="button"
                        onClick={() => {
                            answer(false);
                        }}
                    >
                        {w.deny}
                    </button>
                </div>
            )}
            {state.name === 'waiting' && (
                <div className="aim-terminal-notice" role="status">
                    {w.waiting}
                </div>
            )}
            {state.name === 'ended' && (
                <div className="aim-terminal-notice" role="status">
                    <span>{whyEnded(w, state.code, state.reason, state.wasSession)}</span>
                    {state.code === 4409 && (
                        <button
                            type="button"
                            onClick={() => {
                                again(true);
                            }}
                        >
                            {w.takeBack}
                        </button>
                    )}
                    <button
                        type="button"
                        onClick={() => {
                            again(false);
                        }}
                    >
                        {w.begin}
                    </button>
                </div>
            )}
            {/* Behind all that the keyboard reaches here: Tab leads on from it, and Shift-Tab back. */}
            <div className="aim-terminal-notice aim-terminal-exit" ref={exit} tabIndex={-1}>
                {w.left}
            </div>
        </div>
    );
}
