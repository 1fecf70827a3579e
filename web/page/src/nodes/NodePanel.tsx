// Runs a node or the flow, and shows what it says as it comes.

import { Suspense, lazy, useContext, useEffect, useId, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { interrupt, nodeFiles, runFlow, runNode } from '../api/calls.ts';
import type { NodeFiles } from '../api/calls.ts';
import { duration } from '../formats.ts';
import { WordsContext } from '../words.ts';
import { NOTHING, ofFlow, ofReply, withPiece } from './output.ts';
import type { Piece } from './output.ts';
import { shown, without, withWait } from './waiting.ts';
import type { Wait } from './waiting.ts';

// It is large, and not everybody edits here.
const Editor = lazy(async () => ({ default: (await import('./Editor.tsx')).Editor }));

const TICK_MS = 200;

type Run =
    | { state: 'none' }
    | { state: 'running'; since: number }
    | { state: 'done' | 'failed'; took: number };

interface NodePanelProps {
    project: string;
    /** The project's folder, where it is known. */
    root: string | undefined;
}

export function NodePanel({ project, root }: NodePanelProps): ReactElement {
    const w = useContext(WordsContext);
    const names = useId();
    const [files, setFiles] = useState<NodeFiles>();
    const [file, setFile] = useState('');
    const [input, setInput] = useState('{}');
    const [said, setSaid] = useState(NOTHING);
    const [edited, setEdited] = useState<string>();
    const [run, setRun] = useState<Run>({ state: 'none' });
    const [waits, setWaits] = useState<readonly Wait[]>([]);
    const [now, setNow] = useState(0);
    const field = useRef<HTMLInputElement>(null);
    const cancelling = useRef<AbortController>(undefined);
    const isRunning = run.state === 'running';

    useEffect(() => {
        nodeFiles(project).then(
            (found) => {
                setFiles(found);
                // Nothing comes between the letters of who types there.
                if (document.activeElement === field.current) return;
                setFile((before) => before || (found.files[0] ?? ''));
            },
            () => undefined,
        );
        return () => {
            cancelling.current?.abort();
        };
    }, [project]);

    useEffect(() => {
        if (!isRunning) return;
        const timer = setInterval(() => {
            setNow(performance.now());
        }, TICK_MS);
        return () => {
            clearInterval(timer);
        };
    }, [isRunning]);

    const say = (piece: Piece): void => {
        setSaid((before) => withPiece(before, piece));
    };

    const waitFor = (wait: Omit<Wait, 'since'>): void => {
        setWaits((before) => withWait(before, { ...wait, since: performance.now() }));
    };

    const attend = async (work: (signal: AbortSignal) => Promise<boolean>): Promise<void> => {
        const controller = new AbortController();
        const since = performance.now();
        cancelling.current = controller;
        setSaid(NOTHING);
        setWaits([]);
        setNow(since);
        setRun({ state: 'running', since });
        let isGood = false;
        try {
            isGood = await work(controller.signal);
        } catch (error) {
            if (!controller.signal.aborted) {
                say({ kind: 'bad', text: error instanceof Error ? error.message : String(error) });
            }
        }
        setRun({ state: isGood ? 'done' : 'failed', took: performance.now() - since });
    };

    const startNode = (): void => {
        let value: unknown;
        try {
            value = JSON.parse(input === '' ? '{}' : input);
        } catch (error) {
            setSaid(withPiece(NOTHING, { kind: 'bad', text: w.nodes.badInput(String(error)) }));
            return;
        }
        void attend(async (signal) => {
            let isGood = false;
            const tell: Parameters<typeof runNode>[3] = (event) => {
                if (event.type === 'output') {
                    say({ kind: event.stream, text: event.text });
                    return;
                }
                if (event.type === 'waiting') {
                    waitFor({ node: file, waiting: event });
                    return;
                }
                const told = ofReply(event.reply);
                isGood = told.isGood;
                say(told.piece);
            };
            await runNode(project, file, value, tell, signal);
            return isGood;
        });
    };

    const startFlow = (): void => {
        void attend(async (signal) => {
            let isGood = false;
            const titles = new Map<string, string>();
            await runFlow(
                project,
                (event) => {
                    if (event.type === 'complete') isGood = event.success;
                    if (event.type === 'node_waiting') {
                        const { node_id: node, waiting } = event;
                        waitFor({ node, title: titles.get(node) ?? node, waiting });
                    }
                    if (event.type === 'node_start' || event.type === 'node_complete')
                        setWaits((before) => without(before, event.node_id));
                    for (const piece of ofFlow(event, titles, w.nodes.skipped)) say(piece);
                },
                signal,
            );
            return isGood;
        });
    };

    return (
        <div className={edited === undefined ? 'panel-body nodes' : 'panel-body nodes editing'}>
            <form
                className="form"
                onSubmit={(event) => {
                    event.preventDefault();
                    startNode();
                }}
            >
                <label>
                    {w.nodes.file}
                    <input
                        ref={field}
                        list={names}
                        value={file}
                        required
                        spellCheck={false}
                        placeholder={files?.files.length === 0 ? w.nodes.noFiles : 'node.py'}
                        onChange={(event) => {
                            setFile(event.target.value);
                        }}
                    />
                    <datalist id={names}>
                        {files?.files.map((name) => (
                            <option key={name} value={name} />
                        ))}
                    </datalist>
                </label>
                <label>
                    {w.nodes.input}
                    <textarea
                        rows={3}
                        value={input}
                        spellCheck={false}
                        onChange={(event) => {
                            setInput(event.target.value);
                        }}
                    />
                </label>
                <div className="line">
                    <button type="submit" disabled={isRunning}>
                        {w.nodes.run}
                    </button>
                    {files?.flow === true && (
                        <button type="button" disabled={isRunning} onClick={startFlow}>
                            {w.nodes.flow}
                        </button>
                    )}
                    <button
                        type="button"
                        disabled={!isRunning}
                        onClick={() => {
                            interrupt(project).catch(() => undefined);
                        }}
                    >
                        {w.nodes.interrupt}
                    </button>
                </div>
                <button
                    type="button"
                    disabled={
                        root === undefined || (edited === undefined && !files?.files.includes(file))
                    }
                    onClick={() => {
                        setEdited(edited === undefined ? file : undefined);
                    }}
                >
                    {edited === undefined ? w.editor.open : w.editor.close}
                </button>
                <p role="status" className={run.state === 'failed' ? 'bad' : 'faint'}>
                    {run.state === 'running' &&
                        (waits[0]
                            ? shown(waits[0], now, w)
                            : w.nodes.running(duration(now - run.since, w)))}
                    {run.state === 'done' && w.nodes.done(duration(run.took, w))}
                    {run.state === 'failed' && w.nodes.failed(duration(run.took, w))}
                </p>
            </form>
            {edited !== undefined && root !== undefined && (
                <Suspense>
                    <Editor key={edited} project={project} root={root} file={edited} />
                </Suspense>
            )}
            <pre className="log" tabIndex={0} aria-label={w.nodes.output}>
                {said.isCut && <span className="faint">{`${w.nodes.cut}\n`}</span>}
                {said.pieces.length === 0 && <span className="faint">{w.nodes.none}</span>}
                {said.pieces.map(({ kind, text }, place) => (
                    <span key={place} className={`said said-${kind}`}>
                        {text}
                    </span>
                ))}
            </pre>
        </div>
    );
}
