// The client's side of `aim.terminal.v1`: one session, over as many sockets as it takes.
//
// It knows neither React nor xterm. It counts the stream, acknowledges what was drawn, comes back by itself after an
// accident, and stays away after an end.

import { Outbox } from './pieces.ts';
import { SUBPROTOCOL, isFinal, understood } from './protocol.ts';
import type { Exit, ProjectEvent, Ready } from './protocol.ts';

export interface Size {
    cols: number;
    rows: number;
}

export type State =
    | { name: 'connecting' }
    | { name: 'open' }
    /** Cut off; it comes back by itself. */
    | { name: 'waiting' }
    /** Over until somebody asks for more. */
    | { name: 'ended'; code: number; reason: string; wasSession: boolean };

export interface ConnectionOptions {
    /** Of the daemon, or of what stands before it: `http://127.0.0.1:8000`, `https://host/prefix`. */
    url: string;
    projectId: string;
    token?: string | undefined;
    /** The session to take up; without it a new one begins. */
    session?: string | undefined;
    size: Size;
    onState(state: State): void;
    onSession(session: string): void;
    /** The terminal is to be emptied before the bytes that follow. */
    onReset(): void;
    /** The session is gone, with the daemon that had it, and another begins. */
    onAnew(): void;
    /** `drawn` is to be called once the bytes are on the screen. */
    onBytes(bytes: Uint8Array, drawn: () => void): void;
    onExit(exit: Exit): void;
    onEvent(event: ProjectEvent): void;
}

/** After so long without a word the daemon is asked whether it is there. */
const SILENCE_MS = 20_000;
/** So long it may take to answer; a page that was asleep or without network asks at once and waits less. */
const ANSWER_MS = 10_000;
const ANSWER_WHEN_BACK_MS = 3_000;

/** A size is told at most so often: a border that is dragged has a new one with every frame, and the shell draws for each. */
const RESIZE_MS = 80;

/** UTF-16 units that may be typed before the session is there. */
const EARLY = 4 * 1024;

/** So long a connection may take to be made. */
const PATIENCE_MS = 15_000;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

export class Connection {
    private readonly outbox = new Outbox();
    private socket: WebSocket | undefined;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private vigil: ReturnType<typeof setTimeout> | undefined;
    private tries = 0;
    private session: string | undefined;
    private offset: number | undefined;
    private size: Size;
    private isReady = false;
    private visit: number | undefined;
    /** Typed before the session is there; nothing is kept where it is undefined. */
    private early: string | undefined = '';
    /** The size that the daemon was told last, and the time in which it is told no other. */
    private told: Size | undefined;
    private pause: ReturnType<typeof setTimeout> | undefined;
    /** Bytes of the replay that have not come yet, and pieces of it that are not drawn yet. */
    private replay = 0;
    private undrawnReplay = 0;
    private ack = 0;
    private undeclared = 0;
    private isEnded = false;
    /** It was open once, so what it showed is on the screen. */
    private wasOpen = false;
    private isAnew = false;

    constructor(private readonly options: ConnectionOptions) {
        this.session = options.session;
        this.size = options.size;
    }

    start(): void {
        window.addEventListener('pageshow', this.comeBack);
        window.addEventListener('online', this.comeBack);
        document.addEventListener('visibilitychange', this.comeBack);
        // Not at once: React in its strict mode mounts twice, and the first shell would be nobody's.
        this.timer = setTimeout(() => {
            this.connect();
        });
    }

    /** Leaves the session as it is, for a page that takes it up later. */
    stop(): void {
        window.removeEventListener('pageshow', this.comeBack);
        window.removeEventListener('online', this.comeBack);
        document.removeEventListener('visibilitychange', this.comeBack);
        this.isEnded = true;
        this.drop();
    }

    /** After an end, at a person's wish: a new session, or (`isSame`) the one that another page took. */
    again(isSame: boolean): void {
        if (!isSame) this.session = undefined;
        this.offset = undefined;
        this.isEnded = false;
        this.tries = 0;
        this.early = '';
        this.connect();
    }

    type(text: string): void {
        if (this.isReady) this.outbox.type(text);
        else if (this.early !== undefined && this.early.length + text.length <= EARLY)
            this.early += text;
    }

    paste(text: string, isBracketed: boolean): void {
        if (this.isReady) this.outbox.paste(text, isBracketed);
    }

    /** Whether what the terminal is drawing was shown before. */
    isReplaying(): boolean {
        return this.undrawnReplay > 0;
    }

    resize(size: Size): void {
        if (size.cols === this.size.cols && size.rows === this.size.rows) return;
        this.size = size;
        if (this.isReady && this.pause === undefined) this.tellSize();
    }

    private tellSize(): void {
        this.told = this.size;
        this.say({ type: 'resize', ...this.size });
        this.pause = setTimeout(() => {
            this.pause = undefined;
            if (this.told !== this.size) this.tellSize();
        }, RESIZE_MS);
    }

    private readonly comeBack = (): void => {
        if (document.visibilityState !== 'visible') return;
        const isOnTheWay = this.socket?.readyState === WebSocket.CONNECTING;
        if (this.timer !== undefined || isOnTheWay) this.connect();
        else if (this.isReady) this.ask(ANSWER_WHEN_BACK_MS);
    };

    /** A connection may be dead without a word: a network that went, a machine that slept. */
    private watch(): void {
        clearTimeout(this.vigil);
        this.vigil = setTimeout(() => {
            this.ask(ANSWER_MS);
        }, SILENCE_MS);
    }

    private ask(patience: number): void {
        this.say({ type: 'ping' });
        clearTimeout(this.vigil);
        this.vigil = setTimeout(() => {
            this.closed(1006, '');
        }, patience);
    }

    private connect(): void {
        this.drop();
        this.options.onState({ name: 'connecting' });
        const socket = new WebSocket(this.address(), [SUBPROTOCOL]);
        this.socket = socket;
        socket.binaryType = 'arraybuffer';
        // A network that swallows everything would keep the browser trying for minutes.
        this.vigil = setTimeout(() => {
            this.closed(1006, '');
        }, PATIENCE_MS);
        socket.onopen = () => {
            this.watch();
        };
        socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
            this.watch();
            if (typeof data === 'string') this.heard(data, socket);
            else this.received(new Uint8Array(data), socket);
        };
        socket.onclose = ({ code, reason }) => {
            const wasRefused = code === 1006 && !this.isReady;
            if (wasRefused) void this.refused(socket);
            else this.closed(code, reason);
        };
    }

    /** A browser does not say why there is no connection: an answer to a plain call tells a closed door from no daemon. */
    private async refused(socket: WebSocket): Promise<void> {
        clearTimeout(this.vigil);
        const status = await this.statusOf('/api/v1/projects');
        if (socket !== this.socket) return;
        if (status === 401) this.closed(4401, '');
        else if (status === 403) this.closed(4403, '');
        else this.closed(1006, '');
    }

    private async statusOf(path: string): Promise<number | undefined> {
        const { url, token } = this.options;
        const headers: HeadersInit =
            token === undefined ? {} : { authorization: `Bearer ${token}` };
        try {
            const credentials = 'include';
            const signal = AbortSignal.timeout(PATIENCE_MS);
            const call = url.replace(/\/$/, '') + path;
            return (await fetch(call, { headers, credentials, signal })).status;
        } catch {
            return undefined;
        }
    }

    private address(): string {
        const { url, projectId, token } = this.options;
        const base = url.replace(/^http/, 'ws').replace(/\/$/, '');
        const address = new URL(`${base}/api/ws/terminal/${encodeURIComponent(projectId)}`);
        const query = address.searchParams;
        query.set('cols', String(this.size.cols));
        query.set('rows', String(this.size.rows));
        query.set('events', '1');
        if (this.session !== undefined) query.set('session', this.session);
        if (this.offset !== undefined) {
            query.set('offset', String(this.offset));
            if (this.visit !== undefined) query.set('visit', String(this.visit));
        }
        if (token !== undefined) query.set('token', token);
        return address.href;
    }

    private heard(text: string, socket: WebSocket): void {
        const said = understood(text);
        switch (said?.type) {
            case 'ready':
                this.begin(said, socket);
                break;
            case 'exit':
                this.options.onExit(said);
                break;
            case 'event':
                this.options.onEvent(said.event);
                break;
            case 'error':
                console.warn(`terminal: ${said.code}: ${said.message}`);
        }
    }

    private begin(ready: Ready, socket: WebSocket): void {
        const isSame = ready.session === this.session;
        this.tries = 0;
        this.session = ready.session;
        this.offset = ready.offset;
        this.ack = ready.ack;
        this.undeclared = 0;
        this.isReady = true;
        this.replay = ready.replay;
        this.visit = ready.visit;
        this.watch();
        if (this.isAnew) this.options.onAnew();
        else if (!ready.resumed) this.options.onReset();
        this.isAnew = false;
        this.wasOpen = true;
        // The size may have changed since the address was made.
        this.tellSize();
        this.outbox.open(socket, isSame);
        if (this.early) this.outbox.type(this.early);
        this.early = undefined;
        this.options.onSession(ready.session);
        this.options.onState({ name: 'open' });
    }

    private received(bytes: Uint8Array, socket: WebSocket): void {
        this.offset = (this.offset ?? 0) + bytes.length;
        const old = bytes.subarray(0, this.replay);
        this.replay -= old.length;
        if (old.length > 0) this.draw(old, socket, true);
        if (old.length < bytes.length) this.draw(bytes.subarray(old.length), socket, false);
    }

    private draw(bytes: Uint8Array, socket: WebSocket, isReplay: boolean): void {
        if (isReplay) this.undrawnReplay += 1;
        this.options.onBytes(bytes, () => {
            if (isReplay) this.undrawnReplay -= 1;
            if (socket !== this.socket) return;
            this.undeclared += bytes.length;
            if (this.undeclared < this.ack) return;
            this.say({ type: 'ack', bytes: this.undeclared });
            this.undeclared = 0;
        });
    }

    private closed(code: number, reason: string): void {
        const wasSession = this.session !== undefined;
        this.drop();
        // Nobody wants it typed once somebody has mended what is wrong.
        this.early = undefined;
        if (code === 4404 && wasSession && this.wasOpen && !this.isEnded) {
            this.isAnew = true;
            this.session = undefined;
            this.offset = undefined;
            this.connect();
            return;
        }
        if (isFinal(code)) {
            this.isEnded = true;
            this.options.onState({ name: 'ended', code, reason, wasSession });
            return;
        }
        const wait = Math.min(FIRST_WAIT_MS * 2 ** this.tries, LONGEST_WAIT_MS);
        this.tries += 1;
        this.options.onState({ name: 'waiting' });
        this.timer = setTimeout(
            () => {
                if (!this.isEnded) this.connect();
            },
            // Many pages of one daemon do not all come at once.
            wait * (0.75 + Math.random() / 2),
        );
    }

    private drop(): void {
        clearTimeout(this.timer);
        clearTimeout(this.vigil);
        clearTimeout(this.pause);
        this.timer = undefined;
        this.pause = undefined;
        this.isReady = false;
        this.replay = 0;
        this.outbox.shut();
        const socket = this.socket;
        this.socket = undefined;
        if (!socket) return;
        socket.onopen = null;
        socket.onmessage = null;
        socket.onclose = null;
        socket.close();
    }

    private say(what: object): void {
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(what));
    }
}
