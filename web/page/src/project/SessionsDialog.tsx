// Every session of the project, those of other pages and of earlier ones too: to take one up, or to end it.

import { useContext } from 'react';
import type { ReactElement } from 'react';

import type { TerminalInfo } from '../api/calls.ts';
import { duration } from '../formats.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { WordsContext } from '../words.ts';
import { nameOf } from './sessions.ts';

interface SessionsDialogProps {
    sessions: TerminalInfo[];
    /** Those that this page shows. */
    here: string[];
    onTakeUp: (session: string) => void;
    onEnd: (session: TerminalInfo) => void;
    onClose: () => void;
}

export function SessionsDialog({
    sessions,
    here,
    onTakeUp,
    onEnd,
    onClose,
}: SessionsDialogProps): ReactElement {
    const w = useContext(WordsContext);
    return (
        <Dialog title={w.terminal.sessionsTitle} onClose={onClose}>
            {sessions.length === 0 && <p>{w.terminal.noSessions}</p>}
            <ul className="sessions">
                {sessions.map((terminal) => {
                    const { session, is_shown: isShown, idle_s: idle } = terminal;
                    const isHere = here.includes(session);
                    return (
                        <li key={session}>
                            <span>
                                <strong>{nameOf(terminal, w.terminal.shell)}</strong>{' '}
                                <span className="faint">
                                    {isHere
                                        ? w.terminal.here
                                        : isShown
                                          ? w.terminal.elsewhere
                                          : w.terminal.idle(duration(idle * 1000, w))}
                                </span>
                            </span>
                            <span className="line">
                                {!isHere && (
                                    <button
                                        type="button"
                                        onClick={() => {
                                            onTakeUp(session);
                                        }}
                                    >
                                        {w.terminal.takeUp}
                                    </button>
                                )}
                                <button
                                    type="button"
                                    onClick={() => {
                                        onEnd(terminal);
                                    }}
                                >
                                    {w.terminal.end}
                                </button>
                            </span>
                        </li>
                    );
                })}
            </ul>
        </Dialog>
    );
}
