// The two themes, with contrasts of at least 4.5 to 1 for the sixteen colours that programs write text in.

import type { ITheme } from '@xterm/xterm';

export type Theme = 'light' | 'dark' | ITheme;

const light: ITheme = {
    background: '#ffffff',
    foreground: '#1f2328',
    cursor: '#1f2328',
    cursorAccent: '#ffffff',
    selectionBackground: '#b6d6fb',
    black: '#1f2328',
    red: '#b3261e',
    green: '#116329',
    yellow: '#7a4e00',
    blue: '#0550ae',
    magenta: '#7b2fb5',
    cyan: '#0f6570',
    white: '#57606a',
    brightBlack: '#656d76',
    brightRed: '#a40e26',
    brightGreen: '#1a6f33',
    brightYellow: '#6b4400',
    brightBlue: '#0969da',
    brightMagenta: '#8250df',
    brightCyan: '#17707c',
    brightWhite: '#424a53',
};

const dark: ITheme = {
    background: '#14171c',
    foreground: '#dfe3e8',
    cursor: '#dfe3e8',
    cursorAccent: '#14171c',
    selectionBackground: '#2f5583',
    black: '#7d8590',
    red: '#ff7b72',
    green: '#5cc46b',
    yellow: '#d9a53a',
    blue: '#6cb0ff',
    magenta: '#c99bff',
    cyan: '#4fc3d0',
    white: '#c4cad1',
    brightBlack: '#8b949e',
    brightRed: '#ffa198',
    brightGreen: '#7ee08b',
    brightYellow: '#eac160',
    brightBlue: '#94c7ff',
    brightMagenta: '#dbbcff',
    brightCyan: '#7edbe5',
    brightWhite: '#f3f5f7',
};

export function colours(theme: Theme): ITheme {
    if (theme === 'light') return light;
    return theme === 'dark' ? dark : theme;
}
