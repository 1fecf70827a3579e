export { ProjectTerminal } from './ProjectTerminal.tsx';
export type { ProjectTerminalProps } from './ProjectTerminal.tsx';
export type { Exit, ProjectEvent } from './protocol.ts';
export type { Theme } from './themes.ts';
export type { Locale } from './words.ts';
