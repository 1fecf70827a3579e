// Notices in a corner. Good news go by themselves; bad news stay until they are put away or over.

import { useContext, useEffect } from 'react';
import type { ReactElement } from 'react';

import { WordsContext } from '../words.ts';
import type { Words } from '../words.ts';
import type { Notice } from './notices.ts';

const SHOWN_MS = 6000;

interface ToastsProps {
    notices: Notice[];
    onDismiss: (notice: Notice) => void;
    onLog: () => void;
    onRestart: () => void;
}

export function Toasts({ notices, onDismiss, onLog, onRestart }: ToastsProps): ReactElement {
    const w = useContext(WordsContext);
    return (
        <section className="toasts" aria-label={w.toast.region}>
            {notices.map((notice) => (
                <Toast
                    key={notice.number}
                    notice={notice}
                    onDismiss={() => {
                        onDismiss(notice);
                    }}
                    onLog={onLog}
                    onRestart={onRestart}
                />
            ))}
        </section>
    );
}

interface ToastProps {
    notice: Notice;
    onDismiss: () => void;
    onLog: () => void;
    onRestart: () => void;
}

function Toast({ notice, onDismiss, onLog, onRestart }: ToastProps): ReactElement {
    const w = useContext(WordsContext);
    const isBad = notice.kind === 'bad';
    useEffect(() => {
        if (isBad) return;
        const timer = setTimeout(onDismiss, SHOWN_MS);
        return () => {
            clearTimeout(timer);
        };
        // eslint-disable-next-line react-hooks/exhaustive-deps -- one span for one notice
    }, [notice.number]);
    return (
        <div className={`toast toast-${notice.kind}`} role={isBad ? 'alert' : 'status'}>
            <p>{wordsOf(notice, w)}</p>
            {isBad && notice.about === 'worker' && (
                <p className="line">
                    <button type="button" onClick={onLog}>
                        {w.worker.showLog}
                    </button>
                    <button type="button" onClick={onRestart}>
                        {w.worker.restart}
                    </button>
                </p>
            )}
            <button
                type="button"
                className="plain"
                aria-label={w.toast.dismiss}
                onClick={onDismiss}
            >
                ×
            </button>
        </div>
    );
}

function wordsOf({ about, kind, generation, reason }: Notice, w: Words): string {
    if (about === 'page') return w.failed(reason ?? '');
    if (kind === 'bad') return w.toast.failed(reason ?? w.toast.noReason);
    return generation === undefined ? w.toast.restarted : w.toast.ready(generation);
}
