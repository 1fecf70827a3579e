// The address says which project is open: `#/projects/ID`, nothing for the list.

const PREFIX = '#/projects/';

export function projectIn(hash: string): string | undefined {
    if (!hash.startsWith(PREFIX)) return undefined;
    try {
        return decodeURIComponent(hash.slice(PREFIX.length)) || undefined;
    } catch {
        return undefined;
    }
}

export function addressOf(project: string): string {
    return PREFIX + encodeURIComponent(project);
}
