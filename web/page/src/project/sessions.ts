// What runs in each session now. Nothing tells of it, so it is asked for while somebody looks.

import { useEffect, useState } from 'react';

import { terminals } from '../api/calls.ts';
import type { ProjectInfo, TerminalInfo } from '../api/calls.ts';

const PERIOD_MS = 2500;

/** The project's sessions; `reason` has them looked up at once. */
export function useSessions(project: string, reason: unknown): TerminalInfo[] {
    const [sessions, setSessions] = useState<TerminalInfo[]>([]);
    useEffect(() => {
        let isOver = false;
        const look = (): void => {
            if (document.visibilityState !== 'visible') return;
            terminals(project).then(
                (all) => {
                    if (!isOver) setSessions(all);
                },
                () => undefined,
            );
        };
        look();
        const timer = setInterval(look, PERIOD_MS);
        return () => {
            isOver = true;
            clearInterval(timer);
        };
    }, [project, reason]);
    return sessions;
}

/** A session by the command that runs in it, without the folders and the options that nobody typed. */
export function nameOf(session: TerminalInfo | undefined, otherwise: string): string {
    if (!session) return otherwise;
    const [program = '', ...rest] = (session.command ?? session.shell).split(' ');
    const name = base(program);
    return name === base(session.shell) ? name : [name, ...rest].join(' ');
}

/** Whether something other than the shell has the terminal. */
export function isBusy(session: TerminalInfo | undefined): boolean {
    return session !== undefined && nameOf(session, '') !== base(session.shell);
}

/** Whether the environment has changed since the session's shell began. */
export function isBehind(
    session: TerminalInfo | undefined,
    project: ProjectInfo | undefined,
): boolean {
    const now = project?.worker?.env_generation ?? 0;
    return session?.generation !== undefined && session.generation < now;
}

function base(path: string): string {
    return (path.split('/').at(-1) ?? '').replace(/^-/, '');
}
