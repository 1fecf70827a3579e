// Acts on the page's keys, wherever the keyboard is.

import { useEffect, useRef } from 'react';

import { shortcutOf } from './shortcuts.ts';
import type { Shortcut } from './shortcuts.ts';

export function useShortcuts(act: (shortcut: Shortcut) => void): void {
    const latest = useRef(act);
    useEffect(() => {
        latest.current = act;
    });
    useEffect(() => {
        // Before the terminal sees them.
        const onKey = (event: KeyboardEvent): void => {
            const shortcut = shortcutOf(event);
            if (!shortcut || document.querySelector('dialog[open]')) return;
            event.preventDefault();
            event.stopPropagation();
            latest.current(shortcut);
        };
        window.addEventListener('keydown', onKey, true);
        return () => {
            window.removeEventListener('keydown', onKey, true);
        };
    }, []);
}
