// Times, durations and changes as `aim-logs list` writes them.

import type { RunInfo } from './api/calls.ts';
import type { Words } from './words.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago `when` was. Two weeks and more are a date, as is a time still to come (a clock that was set back). */
export function ago(when: Date, now: Date, w: Words): string {
    const since = now.getTime() - when.getTime();
    if (since < -5 * SECOND || since >= 14 * DAY) return date(when);
    if (since < 5 * SECOND) return w.time.justNow;
    if (since < MINUTE) return w.time.secondsAgo(Math.floor(since / SECOND));
    if (since < HOUR) return w.time.minutesAgo(Math.floor(since / MINUTE));
    if (since < DAY) return w.time.hoursAgo(Math.floor(since / HOUR));
    return w.time.daysAgo(Math.floor(since / DAY));
}

function date(when: Date): string {
    return [when.getFullYear(), two(when.getMonth() + 1), two(when.getDate())].join('-');
}

/** A duration in milliseconds to about three digits. */
export function duration(ms: number, w: Words): string {
    const seconds = Math.floor(ms / SECOND);
    if (ms < 995) return w.time.ms(Math.round(ms));
    if (ms < 59_950) return w.time.s((ms / SECOND).toFixed(1));
    if (ms < HOUR) return w.time.minS(Math.floor(seconds / 60), two(seconds % 60));
    return w.time.hMin(Math.floor(seconds / 3600), two(Math.floor(seconds / 60) % 60));
}

/** How long something has lasted that goes on, in whole seconds. */
export function soFar(ms: number, w: Words): string {
    const seconds = Math.max(0, Math.floor(ms / SECOND));
    return ms < MINUTE ? w.time.s(String(seconds)) : duration(seconds * SECOND, w);
}

function two(number: number): string {
    return String(number).padStart(2, '0');
}

export interface ChangeText {
    kind: 'added' | 'removed' | 'changed';
    text: string;
}

/** A distribution's name as people are shown it, everywhere: normalized (PEP 503). */
function shownName(name: string): string {
    return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** What a run changed, or nothing where nobody knows. */
export function changes(run: RunInfo, w: Words): ChangeText[] | undefined {
    if (!run.added && !run.removed && !run.changed) return undefined;
    const startup = { added: '+', removed: '-', changed: '~' } as const;
    return [
        ...(run.added ?? []).map(({ name, to }) =>
            text('added', `+${shownName(name)} ${to ?? ''}`),
        ),
        ...(run.changed ?? []).map(({ name, from, to }) =>
            text(
                'changed',
                from === to
                    ? `~${shownName(name)} ${to ?? ''} ${w.history.reinstalled}`
                    : `~${shownName(name)} ${from ?? ''} → ${to ?? ''}`,
            ),
        ),
        ...(run.removed ?? []).map(({ name, from }) =>
            text('removed', `-${shownName(name)} ${from ?? ''}`),
        ),
        ...(run.startup ?? []).map(({ name, change }) => {
            const kind = change === 'added' || change === 'removed' ? change : 'changed';
            return text(kind, `${startup[kind]}${name} ${w.history.startupFile}`);
        }),
    ];
}

function text(kind: ChangeText['kind'], words: string): ChangeText {
    return { kind, text: words.trimEnd() };
}

/** How a run ended. */
export function ending(run: RunInfo, w: Words): string {
    if (run.status === 'success') return w.history.ok;
    if (run.status === 'interrupted') return w.history.interrupted;
    if (typeof run.signal === 'number') return w.history.signal(run.signal);
    return typeof run.exit_code === 'number'
        ? w.history.failedWith(run.exit_code)
        : w.history.failed;
}

/** The end of a path, which tells most. */
export function tail(path: string, from: string): string {
    const below = path.startsWith(`${from}/`) ? path.slice(from.length + 1) : undefined;
    return below ?? path.split('/').slice(-2).join('/');
}
