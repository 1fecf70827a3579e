// What a person chose on this page. It is kept by the browser, and read as if anybody had written it.

import { createContext, useSyncExternalStore } from 'react';

import type { Locale } from './words.ts';

export interface Settings {
    locale: Locale;
    theme: 'auto' | 'light' | 'dark';
    screenReader: boolean;
    copyOnSelect: boolean;
    /** Whether the guide is shown when a project is opened. */
    guide: boolean;
}

interface Chosen {
    settings: Settings;
    /** The theme that counts. */
    theme: 'light' | 'dark';
    change: (changed: Partial<Settings>) => void;
}

const KEY = 'aim.settings';

export function defaults(languages: readonly string[]): Settings {
    const first = languages[0]?.toLowerCase() ?? '';
    return {
        locale: first === 'ko' || first.startsWith('ko-') ? 'ko' : 'en',
        theme: 'auto',
        screenReader: false,
        copyOnSelect: false,
        guide: true,
    };
}

/** `text` as settings; what of it is none is as it is by default. */
export function read(text: string | null, usual: Settings): Settings {
    let stored: Partial<Record<keyof Settings, unknown>> = {};
    try {
        const value: unknown = JSON.parse(text ?? '{}');
        if (typeof value === 'object' && value !== null) stored = value;
    } catch {
        // As if nothing had been kept.
    }
    const flag = (value: unknown, other: boolean): boolean =>
        typeof value === 'boolean' ? value : other;
    const { locale, theme } = stored;
    return {
        locale: locale === 'ko' || locale === 'en' ? locale : usual.locale,
        theme: theme === 'auto' || theme === 'light' || theme === 'dark' ? theme : usual.theme,
        screenReader: flag(stored.screenReader, usual.screenReader),
        copyOnSelect: flag(stored.copyOnSelect, usual.copyOnSelect),
        guide: flag(stored.guide, usual.guide),
    };
}

export function storedSettings(): Settings {
    return read(kept(() => localStorage.getItem(KEY)) ?? null, defaults(navigator.languages));
}

export function storeSettings(settings: Settings): void {
    kept(() => {
        localStorage.setItem(KEY, JSON.stringify(settings));
    });
}

/** What comes of an `access` to the browser's storage; nothing where a browser forbids it. */
export function kept<T>(access: () => T): T | undefined {
    try {
        return access();
    } catch {
        return undefined;
    }
}

export function usePrefersDark(): boolean {
    return useSyncExternalStore(
        (changed) => {
            const dark = matchMedia('(prefers-color-scheme: dark)');
            dark.addEventListener('change', changed);
            return () => {
                dark.removeEventListener('change', changed);
            };
        },
        () => matchMedia('(prefers-color-scheme: dark)').matches,
    );
}

export const SettingsContext = createContext<Chosen>({
    settings: defaults([]),
    theme: 'light',
    change: () => undefined,
});
