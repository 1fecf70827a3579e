// A dialog above the page: the browser's own, with its focus and its Escape.

import { useContext, useEffect, useRef } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { WordsContext } from '../words.ts';

interface DialogProps {
    title: string;
    wide?: boolean;
    onClose: () => void;
    children: ReactNode;
}

export function Dialog({ title, wide = false, onClose, children }: DialogProps): ReactElement {
    const w = useContext(WordsContext);
    const dialog = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const shown = dialog.current;
        shown?.showModal();
        return () => shown?.close();
    }, []);
    return (
        <dialog
            ref={dialog}
            className={wide ? 'wide' : undefined}
            aria-label={title}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onClick={(event) => {
                if (event.target === dialog.current) onClose();
            }}
        >
            <header>
                <h2>{title}</h2>
                <button type="button" className="plain" aria-label={w.close} onClick={onClose}>
                    ×
                </button>
            </header>
            <div className="dialog-body">{children}</div>
        </dialog>
    );
}
