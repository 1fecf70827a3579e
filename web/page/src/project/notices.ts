// What is told in a corner of the page, one of a kind: news of the same thing takes the place of what was told before.

import type { Event } from '../api/calls.ts';

export interface Notice {
    /** What it is about. */
    about: 'worker' | 'page';
    kind: 'good' | 'bad';
    /** The generation that is reached, or why it is not. */
    generation?: number | undefined;
    reason?: string | undefined;
    /** Another one about the same is news. */
    number: number;
}

/** What an event is to a person; nothing for most. */
export function noticeOf(event: Event, number: number): Notice | undefined {
    switch (event.type) {
        case 'worker-ready': {
            const generation = event.generation ?? undefined;
            return { about: 'worker', kind: 'good', generation, number };
        }
        case 'worker-failed':
            return { about: 'worker', kind: 'bad', reason: event.reason ?? undefined, number };
        default:
            return undefined;
    }
}

export function withNotice(notices: Notice[], notice: Notice): Notice[] {
    return [...notices.filter(({ about }) => about !== notice.about), notice];
}
