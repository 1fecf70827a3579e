// Which terminals are open in a project: tabs, each of one or more panes side by side. A pane shows one session.

export interface Pane {
    readonly id: number;
    /** None until the daemon has begun one. */
    readonly session?: string | undefined;
}

export interface Tab {
    readonly id: number;
    readonly panes: readonly Pane[];
    /** The pane that the keyboard is in. */
    readonly focused: number;
}

export interface Layout {
    readonly tabs: readonly Tab[];
    /** The tab that is shown. */
    readonly shown: number;
    /** No tab and no pane has this number yet. */
    readonly next: number;
}

export type Change =
    | { type: 'begin'; layout: Layout }
    | { type: 'open'; session?: string }
    | { type: 'split' }
    | { type: 'close'; pane: number }
    | { type: 'show'; tab: number }
    | { type: 'step'; by: 1 | -1 }
    | { type: 'focus'; pane: number }
    | { type: 'session'; pane: number; session: string };

export const EMPTY: Layout = { tabs: [], shown: 0, next: 1 };

export function changed(layout: Layout, change: Change): Layout {
    const { tabs, shown, next } = layout;
    switch (change.type) {
        case 'begin':
            return change.layout;
        case 'open': {
            const pane: Pane = { id: next + 1, session: change.session };
            const tab = { id: next, panes: [pane], focused: pane.id };
            return { tabs: [...tabs, tab], shown: tab.id, next: next + 2 };
        }
        case 'split': {
            const split = (tab: Tab): Tab => ({
                ...tab,
                panes: [...tab.panes, { id: next }],
                focused: next,
            });
            const isThere = tabs.some((tab) => tab.id === shown);
            if (!isThere) return changed(layout, { type: 'open' });
            return { tabs: replaced(tabs, shown, split), shown, next: next + 1 };
        }
        case 'close':
            return without(layout, change.pane);
        case 'show':
            return { ...layout, shown: change.tab };
        case 'step': {
            const place = tabs.findIndex((tab) => tab.id === shown);
            const to = tabs[(place + change.by + tabs.length) % tabs.length];
            return { ...layout, shown: to?.id ?? shown };
        }
        case 'focus': {
            const tab = tabs.find(({ panes }) => panes.some(({ id }) => id === change.pane));
            if (!tab) return layout;
            const focused = (of: Tab): Tab => ({ ...of, focused: change.pane });
            return { ...layout, tabs: replaced(tabs, tab.id, focused), shown: tab.id };
        }
        case 'session': {
            const named = (pane: Pane): Pane =>
                pane.id === change.pane ? { ...pane, session: change.session } : pane;
            const all = tabs.map((tab) => ({ ...tab, panes: tab.panes.map(named) }));
            return { ...layout, tabs: all };
        }
    }
}

function replaced(tabs: readonly Tab[], id: number, by: (tab: Tab) => Tab): Tab[] {
    return tabs.map((tab) => (tab.id === id ? by(tab) : tab));
}

function without(layout: Layout, pane: number): Layout {
    const tabs = layout.tabs
        .map((tab) => {
            const panes = tab.panes.filter(({ id }) => id !== pane);
            const focused = tab.focused === pane ? (panes.at(-1)?.id ?? 0) : tab.focused;
            return { ...tab, panes, focused };
        })
        .filter(({ panes }) => panes.length > 0);
    if (tabs.some(({ id }) => id === layout.shown)) return { ...layout, tabs };
    // The neighbour on the left, else the first.
    const place = layout.tabs.findIndex(({ id }) => id === layout.shown);
    return { ...layout, tabs, shown: tabs[Math.max(0, place - 1)]?.id ?? 0 };
}

export function panesOf(layout: Layout): Pane[] {
    return layout.tabs.flatMap(({ panes }) => panes);
}

/** The layout as it is kept over a reload: the sessions of each tab. */
export function written(layout: Layout): string {
    const sessions = layout.tabs.map(({ panes }) => panes.flatMap(({ session }) => session ?? []));
    const shown = layout.tabs.findIndex(({ id }) => id === layout.shown);
    return JSON.stringify({ sessions: sessions.filter((tab) => tab.length > 0), shown });
}

/**
 * What was kept, as far as its sessions are `alive`; else the sessions that no page shows (`free`); else one new
 * terminal.
 */
export function restored(
    kept: string | undefined,
    alive: readonly string[],
    free: string[],
): Layout {
    const { sessions, shown } = readKept(kept);
    const living = sessions
        .map((tab) => tab.filter((session) => alive.includes(session)))
        .filter((tab) => tab.length > 0);
    if (living.length > 0) return layoutOf(living, shown);
    if (free.length > 0)
        return layoutOf(
            free.map((session) => [session]),
            0,
        );
    return changed(EMPTY, { type: 'open' });
}

function layoutOf(sessions: string[][], shown: number): Layout {
    let next = 1;
    const tabs = sessions.map((tab) => {
        const panes = tab.map((session) => ({ id: next++, session }));
        return { id: next++, panes, focused: panes[0]?.id ?? 0 };
    });
    return { tabs, shown: (tabs[shown] ?? tabs[0])?.id ?? 0, next };
}

function readKept(text: string | undefined): { sessions: string[][]; shown: number } {
    const none = { sessions: [], shown: 0 };
    try {
        const kept: unknown = JSON.parse(text ?? 'null');
        if (typeof kept !== 'object' || kept === null) return none;
        const { sessions, shown } = kept as { sessions?: unknown; shown?: unknown };
        if (!Array.isArray(sessions)) return none;
        const isText = (value: unknown): value is string => typeof value === 'string';
        return {
            sessions: sessions.map((tab: unknown) =>
                Array.isArray(tab) ? tab.filter(isText) : [],
            ),
            shown: typeof shown === 'number' ? shown : 0,
        };
    } catch {
        return none;
    }
}
