import { expect, test } from 'vitest';

import { LONGEST, NOTHING, ofFlow, ofReply, shown, withPiece } from '../src/nodes/output.ts';
import type { Piece, Said } from '../src/nodes/output.ts';

function said(...pieces: Piece[]): Said {
    return pieces.reduce(withPiece, NOTHING);
}

test('pieces of one stream are one', () => {
    const all = said(
        { kind: 'stdout', text: 'a' },
        { kind: 'stdout', text: 'b\n' },
        { kind: 'stderr', text: 'c' },
        { kind: 'result', text: '1' },
        { kind: 'result', text: '2' },
    );
    expect(all.pieces.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
        'stdout ab\n',
        'stderr c',
        'result 1',
        'result 2',
    ]);
});

test('the newest is kept', () => {
    const all = said(
        { kind: 'stderr', text: 'old' },
        { kind: 'stdout', text: 'x'.repeat(LONGEST) },
        { kind: 'result', text: 'new' },
    );
    expect(all.isCut).toBe(true);
    expect(all.length).toBe(LONGEST);
    expect(all.pieces.map(({ kind }) => kind)).toEqual(['stdout', 'result']);
});

test('a reply is its output, or why there is none', () => {
    expect(ofReply({ ok: true, output: { a: 1 } })).toMatchObject({ isGood: true });
    expect(ofReply({ ok: true, output: '텍스트' }).piece.text).toBe('텍스트');
    expect(ofReply({ ok: true }).piece.text).toBe('null');
    const failed = ofReply({ ok: false, error: 'E', traceback: 'Traceback…' });
    expect(failed).toEqual({ piece: { kind: 'bad', text: 'Traceback…' }, isGood: false });
    expect(ofReply(null)).toMatchObject({ isGood: false });
    expect(shown([1])).toBe('[\n  1\n]');
});

test('a flow is told by the titles of its nodes', () => {
    const titles = new Map<string, string>();
    const tell = (event: Parameters<typeof ofFlow>[0]): string =>
        ofFlow(event, titles, 'skipped')
            .map(({ kind, text }) => `${kind}: ${text}`)
            .join('');
    expect(tell({ type: 'start', nodes: [{ id: '1', title: 'Add', kind: 'code' }] })).toBe('');
    expect(tell({ type: 'node_start', node_id: '1' })).toBe('note: Add …\n');
    const ended = (result: object): string =>
        tell({ type: 'node_complete', node_id: '1', result: result as never });
    expect(ended({ status: 'success', logs: 'hi' })).toBe('stdout: hi\n');
    expect(ended({ status: 'error', error: 'why' })).toBe('bad: Add: why\n');
    expect(ended({ status: 'skipped' })).toBe('note: Add: skipped\n');
    expect(tell({ type: 'complete', success: true, result_nodes: { '1': 7 } })).toBe(
        'result: Add: 7\n',
    );
    expect(tell({ type: 'error', error: 'no flow' })).toBe('bad: no flow');
    expect(tell({ type: 'later' } as never)).toBe('');
});
