// Whether the daemon is there, and what it tells: one stream of events for the whole page.

import { createContext, useEffect, useMemo, useState } from 'react';

import { statusOf } from './api/calls.ts';
import type { Event } from './api/calls.ts';

/** `locked`: it is there, and does not let this browser in. */
export type DaemonState = 'there' | 'gone' | 'locked';

type Listener = (event: Event) => void;

export interface Daemon {
    state: DaemonState;
    /** Counts how often the connection has come back: what was shown before may be old. */
    comings: number;
    /** Calls `listener` with each event; gives what ends that. */
    follow: (listener: Listener) => () => void;
}

export const DaemonContext = createContext<Daemon>({
    state: 'gone',
    comings: 0,
    follow: () => () => undefined,
});

const KINDS = [
    'run-finished',
    'env-changed',
    'worker-starting',
    'worker-ready',
    'worker-failed',
    'terminal-exited',
    'gap',
];

const RETRY_MS = 1000;

const listeners = new Set<Listener>();

export function useDaemon(): Daemon {
    const [state, setState] = useState<DaemonState>('there');
    const [comings, setComings] = useState(0);

    useEffect(() => {
        let source: EventSource | undefined;
        let timer: ReturnType<typeof setTimeout> | undefined;
        let isOver = false;
        const connect = (): void => {
            const opened = new EventSource('/api/v1/events');
            source = opened;
            opened.onopen = () => {
                setState('there');
                setComings((count) => count + 1);
            };
            opened.onerror = () => {
                // Where the answer was a refusal the browser does not try again by itself.
                opened.close();
                void statusOf('/api/version').then((status) => {
                    if (isOver) return;
                    setState(status === 401 || status === 403 ? 'locked' : 'gone');
                    timer = setTimeout(connect, RETRY_MS);
                });
            };
            const heard = ({ data }: MessageEvent<string>): void => {
                const event = JSON.parse(data) as Event;
                for (const listener of listeners) listener(event);
            };
            for (const kind of KINDS) opened.addEventListener(kind, heard);
        };
        connect();
        return () => {
            isOver = true;
            clearTimeout(timer);
            source?.close();
        };
    }, []);

    return useMemo(
        () => ({
            state,
            comings,
            follow: (listener) => {
                listeners.add(listener);
                return () => {
                    listeners.delete(listener);
                };
            },
        }),
        [state, comings],
    );
}
