// A log in a dialog, its end in sight.

import { useContext, useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { CallError } from '../api/calls.ts';
import { WordsContext } from '../words.ts';
import { Dialog } from './Dialog.tsx';

interface TextDialogProps {
    title: string;
    /** Said where there is no text. */
    empty: string;
    load: () => Promise<string>;
    onClose: () => void;
}

export function TextDialog({ title, empty, load, onClose }: TextDialogProps): ReactElement {
    const w = useContext(WordsContext);
    const [text, setText] = useState<string>();
    const shown = useRef<HTMLPreElement>(null);
    const loading = useRef(load);

    useEffect(() => {
        loading.current().then(setText, (error: unknown) => {
            const isGone = error instanceof CallError && error.status === 404;
            setText(isGone ? '' : w.failed(String(error)));
        });
    }, [w]);
    useEffect(() => {
        shown.current?.scrollTo(0, shown.current.scrollHeight);
    }, [text]);

    return (
        <Dialog title={title} wide onClose={onClose}>
            <pre className="log" tabIndex={0} ref={shown} aria-label={title}>
                {text === '' ? empty : text}
            </pre>
        </Dialog>
    );
}
