// What the daemon says in text frames of `aim.terminal.v1`, and what its close codes mean.

export const SUBPROTOCOL = 'aim.terminal.v1';

/** Something that happened to the project, as the daemon's event stream has it. */
export interface ProjectEvent {
    type: string;
    time: string;
    project?: string | null;
    generation?: number | null;
    reason?: string | null;
}

export interface Ready {
    type: 'ready';
    session: string;
    resumed: boolean;
    /** The place, in the session's stream, of the first byte that follows. */
    offset: number;
    /** Acknowledge at least every so many bytes. */
    ack: number;
    /** So many of the bytes that follow are no news. */
    replay: number;
    /** The number of this visit, to be said at the next; a daemon before it was known says none. */
    visit?: number;
}

export interface Exit {
    type: 'exit';
    code: number | null;
    signal: number | null;
}

export type FromDaemon =
    | Ready
    | Exit
    | { type: 'pong' }
    | { type: 'error'; code: string; message: string }
    | { type: 'event'; event: ProjectEvent };

/** What a text frame says; nothing for what a later daemon may say. */
export function understood(text: string): FromDaemon | undefined {
    let said: unknown;
    try {
        said = JSON.parse(text);
    } catch {
        return undefined;
    }
    if (typeof said !== 'object' || said === null || !('type' in said)) return undefined;
    const known: unknown[] = ['ready', 'exit', 'pong', 'error', 'event'];
    return known.includes(said.type) ? (said as FromDaemon) : undefined;
}

/** Close codes after which coming back by itself would do no good. */
const FINAL = new Set([1000, 1007, 1009, 1011, 4401, 4403, 4404, 4408, 4409, 4429]);

export function isFinal(code: number): boolean {
    return FINAL.has(code);
}
