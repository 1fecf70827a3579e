// The daemon's calls that the page makes, by the types that are made of its description (`schema.ts`).

import { lines, serverSentEvents } from './streams.ts';
import type { components } from './schema.ts';

type Schemas = components['schemas'];
export type Event = Schemas['Event'];
export type ProjectInfo = Schemas['ProjectInfo'];
export type RunInfo = Schemas['RunInfo'];
export type RunList = Schemas['RunList'];
export type NodeFiles = Schemas['NodeFiles'];
export type NodeText = Schemas['NodeText'];
export type TerminalInfo = Schemas['TerminalInfo'];
export type WorkerStatus = Schemas['WorkerStatus'];
export type Waiting = Schemas['Waiting'];
type NodeEvent = Schemas['NodeEvent'];

/** The daemon refused: why, for people, and in a word. */
export class CallError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        detail: string,
    ) {
        super(detail);
    }
}

async function call(path: string, how: RequestInit = {}): Promise<Response> {
    const response = await fetch(path, how);
    if (response.ok) return response;
    let said: Partial<Schemas['ErrorBody']> = {};
    try {
        said = (await response.json()) as Schemas['ErrorBody'];
    } catch {
        // Not the daemon itself: a proxy, say.
    }
    const detail = said.detail ?? `${response.status} ${response.statusText}`;
    throw new CallError(response.status, said.code ?? '', detail);
}

async function get<T>(path: string): Promise<T> {
    return (await (await call(path)).json()) as T;
}

function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    return call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...(signal && { signal }),
    });
}

function of(id: string, rest: string): string {
    return `/api/v1/projects/${encodeURIComponent(id)}${rest}`;
}

/** The status that a call is answered with; none where nobody answers. */
export async function statusOf(path: string): Promise<number | undefined> {
    try {
        return (await fetch(path)).status;
    } catch {
        return undefined;
    }
}

export async function projects(): Promise<ProjectInfo[]> {
    return (await get<Schemas['ProjectList']>('/api/v1/projects')).projects;
}

export async function register(path: string): Promise<ProjectInfo> {
    return (await (await post('/api/v1/projects', { path })).json()) as ProjectInfo;
}

export function project(id: string): Promise<ProjectInfo> {
    return get(of(id, ''));
}

export function runs(id: string, before?: string): Promise<RunList> {
    const from = before === undefined ? '' : `&before=${encodeURIComponent(before)}`;
    return get(of(id, `/runs?limit=50${from}`));
}

export async function runLog(id: string, run: string): Promise<string> {
    return (await call(of(id, `/runs/${encodeURIComponent(run)}/log`))).text();
}

export async function workerLog(id: string): Promise<string> {
    return (await call(of(id, '/worker/log?lines=400'))).text();
}

export async function restart(id: string): Promise<void> {
    await post(of(id, '/worker/restart'), {
        when: 'idle',
        wait_s: 60,
        reason: 'asked for on the page',
    });
}

export async function interrupt(id: string): Promise<void> {
    await post(of(id, '/worker/interrupt'), {});
}

export function nodeFiles(id: string): Promise<NodeFiles> {
    return get(of(id, '/nodes'));
}

export async function terminals(id: string): Promise<TerminalInfo[]> {
    const all = await get<Schemas['TerminalList']>('/api/v1/terminals');
    return all.terminals.filter((terminal) => terminal.project === id);
}

export async function endTerminal(session: string): Promise<void> {
    await call(`/api/v1/terminals/${encodeURIComponent(session)}`, { method: 'DELETE' });
}

/** Runs a node, and tells what it prints as it comes, its reply last. Who goes away cancels it. */
export async function runNode(
    id: string,
    file: string,
    input: unknown,
    tell: (event: NodeEvent) => void,
    signal: AbortSignal,
): Promise<void> {
    const body = { file, input, on_disconnect: 'cancel', tells_waiting: true };
    const response = await post(of(id, '/nodes/run'), body, signal);
    for await (const line of lines(response)) tell(JSON.parse(line) as NodeEvent);
}

/** An event of a flow's stream, as far as the page shows it (AIM-Forge has more). */
export type FlowEvent =
    | { type: 'start'; nodes: { id: string; title: string; kind: string }[] }
    | { type: 'node_waiting'; node_id: string; waiting: Waiting }
    | { type: 'node_start'; node_id: string }
    | { type: 'node_complete'; node_id: string; result: FlowResult }
    | { type: 'complete'; success: boolean; result_nodes: Record<string, unknown> }
    | { type: 'error'; error: string }
    | { type: 'other' };

export interface FlowResult {
    status: 'success' | 'error' | 'skipped';
    error?: string | null;
    execution_time_ms?: number;
    logs?: string;
}

/** Runs the flow, and tells of it as it goes. */
export async function runFlow(
    id: string,
    tell: (event: FlowEvent) => void,
    signal: AbortSignal,
): Promise<void> {
    const body = { project_id: id, node_values: {}, halt_on_error: true, events: 'all' };
    const response = await post('/api/project/execute-flow-stream', body, signal);
    for await (const data of serverSentEvents(response)) tell(JSON.parse(data) as FlowEvent);
}

/** The text of a node's file. */
export function nodeText(id: string, file: string): Promise<NodeText> {
    return get(of(id, `/nodes/text?file=${encodeURIComponent(file)}`));
}

/** Saves it; refused by `changed-meanwhile` where the file is not of that version any more. */
export async function saveNodeText(
    id: string,
    file: string,
    text: Schemas['NewNodeText'],
): Promise<NodeText> {
    const response = await call(of(id, `/nodes/text?file=${encodeURIComponent(file)}`), {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(text),
    });
    return (await response.json()) as NodeText;
}
