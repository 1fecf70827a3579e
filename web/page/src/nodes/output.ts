// What a node or a flow has said so far: pieces in their order, of which the newest are kept.

import type { FlowEvent } from '../api/calls.ts';

export interface Piece {
    kind: 'stdout' | 'stderr' | 'note' | 'result' | 'bad';
    text: string;
}

export interface Said {
    pieces: readonly Piece[];
    length: number;
    /** The beginning is gone. */
    isCut: boolean;
}

/** Characters that are kept. */
export const LONGEST = 400_000;

export const NOTHING: Said = { pieces: [], length: 0, isCut: false };

export function withPiece(said: Said, piece: Piece): Said {
    const last = said.pieces.at(-1);
    const isMore =
        last?.kind === piece.kind && (piece.kind === 'stdout' || piece.kind === 'stderr');
    const pieces = isMore
        ? [...said.pieces.slice(0, -1), { kind: piece.kind, text: last.text + piece.text }]
        : [...said.pieces, piece];
    return shortened({ ...said, pieces, length: said.length + piece.text.length });
}

function shortened({ pieces, length, isCut }: Said): Said {
    const left = [...pieces];
    while (length > LONGEST) {
        const first = left.shift();
        if (!first) break;
        const over = length - LONGEST;
        const rest = first.text.slice(over);
        length -= first.text.length - rest.length;
        if (rest !== '') left.unshift({ ...first, text: rest });
        isCut = true;
    }
    return { pieces: left, length, isCut };
}

/** A value as people read it: text as it is, anything else as JSON over several lines. */
export function shown(value: unknown): string {
    return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
}

interface NodeReply {
    ok?: boolean;
    output?: unknown;
    error?: unknown;
    traceback?: unknown;
}

/** What the worker's reply to a node (compat, section 8) is to a person, and whether the node succeeded. */
export function ofReply(reply: unknown): { piece: Piece; isGood: boolean } {
    const { ok, output, error, traceback } = (reply ?? {}) as NodeReply;
    if (ok === true)
        return { piece: { kind: 'result', text: shown(output ?? null) }, isGood: true };
    const why = typeof traceback === 'string' && traceback !== '' ? traceback : shown(error ?? '');
    return { piece: { kind: 'bad', text: why }, isGood: false };
}

/** What an event of a flow is to a person, whose nodes are called `titles`. */
export function ofFlow(event: FlowEvent, titles: Map<string, string>, skipped: string): Piece[] {
    switch (event.type) {
        case 'start':
            for (const { id, title } of event.nodes) titles.set(id, title);
            return [];
        case 'node_start':
            return [{ kind: 'note', text: `${titles.get(event.node_id) ?? event.node_id} …\n` }];
        case 'node_complete': {
            const { status, error, logs } = event.result;
            const title = titles.get(event.node_id) ?? event.node_id;
            if (status === 'skipped') return [{ kind: 'note', text: `${title}: ${skipped}\n` }];
            const printed: Piece[] = logs ? [{ kind: 'stdout', text: ended(logs) }] : [];
            if (status === 'success') return printed;
            return [...printed, { kind: 'bad', text: `${title}: ${error ?? ''}\n` }];
        }
        case 'complete': {
            const results = Object.entries(event.result_nodes);
            return results.map(([id, value]) => ({
                kind: 'result',
                text: `${titles.get(id) ?? id}: ${shown(value)}\n`,
            }));
        }
        case 'node_waiting':
            return [];
        case 'error':
            return [{ kind: 'bad', text: event.error }];
        case 'other':
            return [];
        default:
            // A later daemon's.
            return [];
    }
}

function ended(text: string): string {
    return text.endsWith('\n') ? text : `${text}\n`;
}
