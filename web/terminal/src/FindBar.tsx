// The search in the scrollback.

import { useState } from 'react';
import type { ReactElement } from 'react';

import type { Words } from './words.ts';

interface FindBarProps {
    words: Words;
    onFind: (text: string, isBack: boolean) => void;
    onClose: () => void;
}

export function FindBar({ words, onFind, onClose }: FindBarProps): ReactElement {
    const [text, setText] = useState('');
    return (
        <form
            className="aim-terminal-find"
            role="search"
            onSubmit={(event) => {
                event.preventDefault();
                onFind(text, false);
            }}
            onKeyDown={(event) => {
                if (event.key === 'Escape') onClose();
            }}
        >
            <input
                autoFocus
                aria-label={words.find}
                placeholder={words.find}
                value={text}
                onChange={(event) => {
                    setText(event.target.value);
                }}
            />
            <button
                type="button"
                aria-label={words.previous}
                onClick={() => {
                    onFind(text, true);
                }}
            >
                ↑
            </button>
            <button type="submit" aria-label={words.next}>
                ↓
            </button>
            <button type="button" aria-label={words.close} onClick={onClose}>
                ×
            </button>
        </form>
    );
}
