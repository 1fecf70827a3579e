// Keys of the page, above all those of the shell: with Ctrl and Shift, which programs in a terminal cannot tell from Ctrl
// alone, and of those none that browsers keep to themselves.

export type Shortcut = 'open' | 'split' | 'previous' | 'next' | 'history' | 'nodes' | 'leave';

const KEYS: Record<string, Shortcut> = {
    Enter: 'open',
    KeyS: 'split',
    ArrowLeft: 'previous',
    ArrowRight: 'next',
    KeyH: 'history',
    KeyE: 'nodes',
    KeyX: 'leave',
};

interface Key {
    code: string;
    ctrlKey: boolean;
    shiftKey: boolean;
    altKey: boolean;
    metaKey: boolean;
}

export function shortcutOf({
    code,
    ctrlKey,
    shiftKey,
    altKey,
    metaKey,
}: Key): Shortcut | undefined {
    return ctrlKey && shiftKey && !altKey && !metaKey ? KEYS[code] : undefined;
}
