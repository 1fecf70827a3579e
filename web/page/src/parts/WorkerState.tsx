// The state of a worker: a sign whose colour repeats the word beside it.

import { useContext } from 'react';
import type { ReactElement } from 'react';

import type { WorkerStatus } from '../api/calls.ts';
import { WordsContext } from '../words.ts';

export function WorkerState({ worker }: { worker: WorkerStatus | undefined }): ReactElement {
    const w = useContext(WordsContext);
    const state = worker?.state ?? 'stopped';
    const words =
        state === 'busy' && worker?.busy_with
            ? w.worker.busyWith(worker.busy_with)
            : w.worker[state];
    const isBehind =
        typeof worker?.generation === 'number' && worker.generation !== worker.env_generation;
    return (
        <span className={`worker worker-${state}`}>
            {words}
            {isBehind && ` (${w.worker.behind(worker.generation ?? 0)})`}
        </span>
    );
}
