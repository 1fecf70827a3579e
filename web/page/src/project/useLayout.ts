// The layout of a project's terminals: restored when the project is opened, kept over a reload.

import { useEffect, useReducer, useState } from 'react';

import { terminals } from '../api/calls.ts';
import type { TerminalInfo } from '../api/calls.ts';
import { kept } from '../settings.ts';
import { EMPTY, changed, restored, written } from './layout.ts';
import type { Change, Layout } from './layout.ts';

export function useLayout(project: string): [Layout, (change: Change) => void] {
    const [layout, change] = useReducer(changed, EMPTY);
    const [isRestored, setRestored] = useState(false);
    // Of this window alone: another one of the same project has terminals of its own.
    const key = `aim.terminals.${project}`;

    useEffect(() => {
        let isOver = false;
        const begin = (all: TerminalInfo[]): void => {
            if (isOver) return;
            const stored = kept(() => sessionStorage.getItem(key)) ?? undefined;
            const free = all.filter((terminal) => !terminal.is_shown);
            const alive = all.map(({ session }) => session);
            const sessions = free.map(({ session }) => session);
            change({ type: 'begin', layout: restored(stored, alive, sessions) });
            setRestored(true);
        };
        terminals(project).then(begin, () => {
            begin([]);
        });
        return () => {
            isOver = true;
        };
    }, [project, key]);

    useEffect(() => {
        if (isRestored)
            kept(() => {
                sessionStorage.setItem(key, written(layout));
            });
    }, [isRestored, key, layout]);

    return [layout, change];
}
