// One line below the terminals: which environment this is, at which generation, and how its worker fares.

import { useContext } from 'react';
import type { ReactElement } from 'react';

import type { ProjectInfo } from '../api/calls.ts';
import { tail } from '../formats.ts';
import { WorkerState } from '../parts/WorkerState.tsx';
import { WordsContext } from '../words.ts';

interface StatusLineProps {
    project: ProjectInfo | undefined;
    isRestarting: boolean;
    onRestart: () => void;
    onLog: () => void;
}

export function StatusLine({
    project,
    isRestarting,
    onRestart,
    onLog,
}: StatusLineProps): ReactElement {
    const w = useContext(WordsContext);
    const worker = project?.worker ?? undefined;
    return (
        <footer className="status" aria-label={w.history.status}>
            {project && (
                <>
                    <span title={project.environment ?? undefined}>
                        {project.environment
                            ? tail(project.environment, project.path)
                            : w.projects.noEnvironment}
                    </span>
                    {project.python && <span>Python {project.python}</span>}
                    <span>{w.worker.generation(worker?.env_generation ?? 0)}</span>
                    <span>
                        {w.projects.worker}: <WorkerState worker={worker} />
                    </span>
                    <button type="button" className="link" onClick={onLog}>
                        {w.worker.log}
                    </button>
                    <button
                        type="button"
                        className="link"
                        disabled={isRestarting}
                        onClick={onRestart}
                    >
                        {isRestarting ? w.worker.restarting : w.worker.restart}
                    </button>
                </>
            )}
        </footer>
    );
}
