// What nodes wait for that are to run and do not yet, as the daemon tells it, in words.

import type { Waiting } from '../api/calls.ts';
import { soFar } from '../formats.ts';
import type { Words } from '../words.ts';

/** A wait that goes on. */
export interface Wait {
    /** The node's id in its flow; the node's file where it runs alone. */
    node: string;
    /** Its title in the flow. */
    title?: string;
    waiting: Waiting;
    since: number;
}

/** Distributions that are named. */
const NAMED = 3;

/** The waits once `node` waits for another thing: one that waits for nothing any more runs. */
export function withWait(waits: readonly Wait[], wait: Wait): readonly Wait[] {
    const before = waits.find(({ node }) => node === wait.node);
    if (wait.waiting.for === 'nothing') return without(waits, wait.node);
    if (!before) return [...waits, wait];
    const now = { ...wait, since: before.since };
    return waits.map((one) => (one === before ? now : one));
}

export function without(waits: readonly Wait[], node: string): readonly Wait[] {
    return waits.filter((one) => one.node !== node);
}

/** A wait in words, `now`. */
export function shown({ title, waiting, since }: Wait, now: number, w: Words): string {
    const time = soFar(now - since, w);
    const { changed = [], file } = waiting;
    const names = changed.slice(0, NAMED).join(', ');
    const what = changed.length > NAMED ? `${names}, …` : names || (file ?? '');
    const words = w.nodes.waiting;
    let said = words.daemon(time);
    if (waiting.for === 'node' && file) said = words.node(file, time);
    if (waiting.for === 'worker') said = what ? words.changed(what, time) : words.worker(time);
    return title === undefined ? said : `${title}: ${said}`;
}
