// @vitest-environment happy-dom

import { StrictMode, version } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, expect, test, vi } from 'vitest';

import { ProjectTerminal } from '@aim/project-terminal';
import type { ProjectTerminalProps } from '@aim/project-terminal';

// xterm measures what happy-dom does not lay out.
vi.mock('../../terminal/src/screen.ts', () => ({
    screenIn: () => {
        const nothing = (): void => undefined;
        const terminal = {
            cols: 80,
            rows: 24,
            options: {},
            write: nothing,
            reset: nothing,
            focus: nothing,
            onResize: nothing,
            onSelectionChange: nothing,
        };
        return { terminal, search: {}, fit: nothing, dispose: nothing };
    },
}));

class Socket {
    static readonly OPEN = 1;
    static made: Socket[] = [];
    readonly readyState = Socket.OPEN;
    readonly bufferedAmount = 0;
    isClosed = false;
    onmessage: ((event: { data: string }) => void) | null = null;

    constructor(readonly url: string) {
        Socket.made.push(this);
    }
    send(): void {
        // Nobody is there.
    }
    close(): void {
        this.isClosed = true;
    }
    says(what: object): void {
        this.onmessage?.({ data: JSON.stringify(what) });
    }
}

afterEach(() => {
    vi.unstubAllGlobals();
});

test('the terminal lives in React 18, in its strict mode too, and leaves nothing behind', async () => {
    expect(version).toMatch(/^18\./);
    vi.stubGlobal('WebSocket', Socket);
    const complaints = vi.spyOn(console, 'error');
    const heard: unknown[] = [];
    const props: ProjectTerminalProps = {
        projectId: 'demo',
        url: 'http://127.0.0.1:1',
        onSession: (session) => heard.push(session),
        onEvent: ({ type }) => heard.push(type),
        onExit: ({ code }) => heard.push(code),
    };
    const place = document.body.appendChild(document.createElement('div'));
    const root = createRoot(place);
    root.render(
        <StrictMode>
            <ProjectTerminal {...props} />
        </StrictMode>,
    );
    await vi.waitFor(() => {
        expect(Socket.made.length).toBe(1);
    });
    const [socket] = Socket.made;
    socket?.says({
        type: 'ready',
        session: 's1',
        offset: 0,
        ack: 1000,
        replay: 0,
        resumed: false,
        visit: 1,
    });
    socket?.says({ type: 'event', event: { type: 'worker-ready' } });
    socket?.says({ type: 'exit', code: 3 });
    expect(heard).toEqual(['s1', 'worker-ready', 3]);
    root.unmount();
    await vi.waitFor(() => {
        expect(place.innerHTML).toBe('');
    });
    expect(Socket.made.length).toBe(1);
    expect(socket?.isClosed).toBe(true);
    expect(complaints).not.toHaveBeenCalled();
});
