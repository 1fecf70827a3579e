// The project as the daemon knows it.

import { useCallback, useContext, useEffect, useState } from 'react';

import { CallError, project as askForProject } from '../api/calls.ts';
import type { ProjectInfo } from '../api/calls.ts';
import { DaemonContext } from '../daemon.ts';

/** The project, looked up again when something has happened to it. */
export function useProject(id: string): { info: ProjectInfo | undefined; isUnknown: boolean } {
    const { comings, follow } = useContext(DaemonContext);
    const [info, setInfo] = useState<ProjectInfo>();
    const [isUnknown, setUnknown] = useState(false);
    const look = useCallback(() => {
        askForProject(id).then(
            (found) => {
                setInfo(found);
                setUnknown(false);
            },
            (error: unknown) => {
                setUnknown(error instanceof CallError && error.status === 404);
            },
        );
    }, [id]);
    useEffect(look, [look, comings]);
    useEffect(
        () =>
            follow((event) => {
                if (event.project === id || event.type === 'gap') look();
            }),
        [follow, id, look],
    );
    return { info, isUnknown };
}
