// The language server of a project's page: the daemon keeps it in step with the environment, so that nothing need be restarted
// here. A connection that goes is made anew; one that the daemon closed since nothing was said, with the next change.

import { LSPClient, languageServerExtensions } from '@codemirror/lsp-client';
import type { Transport } from '@codemirror/lsp-client';
import DOMPurify from 'dompurify';

/** How the server is; `none` where there is none, and why. */
export type ServerState =
    { name: 'connecting' | 'ready' | 'asleep' } | { name: 'none'; why: string };

/** There is no server, and coming again would not help (docs/api.md, "A language server in a project"). */
const HOPELESS = [4002, 4404];
const IDLE = 4408;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

export class LanguageServer {
    readonly client: LSPClient;
    private socket: WebSocket | undefined;
    private wait = FIRST_WAIT_MS;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private state: ServerState = { name: 'connecting' };

    constructor(
        private readonly project: string,
        root: string,
        private readonly tell: (state: ServerState) => void,
    ) {
        this.client = new LSPClient({
            rootUri: uriOf(root),
            timeout: 15_000,
            sanitizeHTML: (html) => DOMPurify.sanitize(html),
            extensions: languageServerExtensions(),
        });
        this.connect();
    }

    /** Something was typed: a server that sleeps is woken. */
    wake(): void {
        if (this.state.name === 'asleep') this.connect();
    }

    close(): void {
        clearTimeout(this.timer);
        const socket = this.socket;
        this.socket = undefined;
        socket?.close(1000);
        this.client.disconnect();
    }

    private become(state: ServerState): void {
        this.state = state;
        this.tell(state);
    }

    private connect(): void {
        this.become({ name: 'connecting' });
        const path = `/api/lsp/python?project_id=${encodeURIComponent(this.project)}`;
        const address = new URL(path, location.href);
        address.protocol = address.protocol.replace('http', 'ws');
        const socket = new WebSocket(address);
        this.socket = socket;
        socket.onopen = () => {
            this.client.connect(transportOf(socket));
            this.client.initializing.then(
                () => {
                    this.wait = FIRST_WAIT_MS;
                    this.become({ name: 'ready' });
                },
                () => undefined,
            );
        };
        socket.onclose = ({ code, reason }) => {
            if (this.socket !== socket) return;
            this.client.disconnect();
            if (HOPELESS.includes(code)) this.become({ name: 'none', why: reason });
            else if (code === IDLE) this.become({ name: 'asleep' });
            else {
                this.become({ name: 'connecting' });
                this.timer = setTimeout(() => {
                    this.connect();
                }, this.wait);
                this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
            }
        };
    }
}

function transportOf(socket: WebSocket): Transport {
    const handlers = new Map<(message: string) => void, (event: MessageEvent<string>) => void>();
    return {
        send(message) {
            // What is lost with a connection is told anew with the next one.
            if (socket.readyState === WebSocket.OPEN) socket.send(honest(message));
        },
        subscribe(handler) {
            const listener = (event: MessageEvent<string>): void => {
                handler(event.data);
            };
            handlers.set(handler, listener);
            socket.addEventListener('message', listener);
        },
        unsubscribe(handler) {
            const listener = handlers.get(handler);
            if (listener) socket.removeEventListener('message', listener);
        },
    };
}

/** The library takes diagnostics that are sent to it, yet says that it asks for them, and then servers send none. */
export function honest(message: string): string {
    const parsed = JSON.parse(message) as {
        method?: string;
        params?: { capabilities?: { textDocument?: { diagnostic?: unknown } } };
    };
    const can = parsed.params?.capabilities?.textDocument;
    if (parsed.method !== 'initialize' || can === undefined) return message;
    delete can.diagnostic;
    return JSON.stringify(parsed);
}

/** The URI of a file of the daemon's machine. */
export function uriOf(path: string): string {
    return `file://${path.split('/').map(encodeURIComponent).join('/')}`;
}
