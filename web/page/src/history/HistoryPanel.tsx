// What was done to the environment, newest first, as `aim-logs list` shows it. A run leads to its log.

import { useCallback, useContext, useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { runLog, runs as askForRuns } from '../api/calls.ts';
import type { RunInfo } from '../api/calls.ts';
import { DaemonContext } from '../daemon.ts';
import { ago, changes, duration, ending } from '../formats.ts';
import { TextDialog } from '../parts/TextDialog.tsx';
import { WordsContext } from '../words.ts';

/** Changes shown in one row. */
const CHANGES = 3;

export function HistoryPanel({ project }: { project: string }): ReactElement {
    const w = useContext(WordsContext);
    const { comings, follow } = useContext(DaemonContext);
    const [runs, setRuns] = useState<RunInfo[]>();
    const [hasMore, setMore] = useState(false);
    const [problem, setProblem] = useState<string>();
    const [opened, setOpened] = useState<RunInfo>();

    const look = useCallback(() => {
        askForRuns(project).then(
            (list) => {
                // What was loaded of older runs stays.
                setRuns((before) => joined(list.runs, before ?? []));
                setMore((before) => before || list.more);
                setProblem(list.problems[0]);
            },
            (error: unknown) => {
                setProblem(String(error));
            },
        );
    }, [project]);
    useEffect(look, [look, comings]);
    useEffect(
        () =>
            follow((event) => {
                if (event.project === project && event.type === 'env-changed') look();
                if (event.project === project && event.type === 'run-finished') look();
            }),
        [follow, look, project],
    );

    const older = async (): Promise<void> => {
        const last = runs?.at(-1)?.id;
        const list = await askForRuns(project, last);
        setRuns((before) => joined(before ?? [], list.runs));
        setMore(list.more);
    };

    const now = new Date();
    return (
        <div className="panel-body">
            {problem !== undefined && <p className="bad">{problem}</p>}
            {runs?.length === 0 && <p>{w.history.none}</p>}
            {runs && runs.length > 0 && (
                <table className="history">
                    <thead>
                        <tr>
                            <th scope="col">{w.history.run}</th>
                            <th scope="col">{w.history.when}</th>
                            <th scope="col">{w.history.action}</th>
                            <th scope="col" className="spare">
                                {w.history.packages}
                            </th>
                            <th scope="col">{w.history.changes}</th>
                            <th scope="col">{w.history.status}</th>
                            <th scope="col" className="number spare">
                                {w.history.took}
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {runs.map((run) => (
                            <tr key={run.id}>
                                <td>
                                    <button
                                        type="button"
                                        className="link"
                                        onClick={() => {
                                            setOpened(run);
                                        }}
                                    >
                                        {run.short}
                                    </button>
                                </td>
                                <td title={new Date(run.started_at).toLocaleString()}>
                                    {ago(new Date(run.started_at), now, w)}
                                </td>
                                <td>{run.action}</td>
                                <td className="wide-cell spare">{run.packages?.join(' ')}</td>
                                <td className="wide-cell">
                                    <Changes run={run} />
                                </td>
                                <td className={run.status === 'success' ? 'good' : 'bad'}>
                                    {ending(run, w)}
                                </td>
                                <td className="number spare">
                                    {typeof run.duration_ms === 'number' &&
                                        duration(run.duration_ms, w)}
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
            {hasMore && (
                <button type="button" onClick={() => void older()}>
                    {w.history.older}
                </button>
            )}
            {opened && (
                <TextDialog
                    title={w.history.logOf(opened.short ?? opened.id)}
                    empty={w.history.noLog}
                    load={() => runLog(project, opened.id)}
                    onClose={() => {
                        setOpened(undefined);
                    }}
                />
            )}
        </div>
    );
}

function Changes({ run }: { run: RunInfo }): ReactElement {
    const w = useContext(WordsContext);
    const all = changes(run, w);
    if (!all) return <span className="faint">{w.history.unknownChanges}</span>;
    return (
        <>
            {all.slice(0, CHANGES).map(({ kind, text }) => (
                <span key={text} className={`change change-${kind}`}>
                    {text}{' '}
                </span>
            ))}
            {all.length > CHANGES && (
                <span className="faint">{w.history.more(all.length - CHANGES)}</span>
            )}
        </>
    );
}

/** `first`, and of `then` what is not in it. */
export function joined(first: RunInfo[], then: RunInfo[]): RunInfo[] {
    const known = new Set(first.map(({ id }) => id));
    return [...first, ...then.filter(({ id }) => !known.has(id))];
}
