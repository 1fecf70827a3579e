// The words of the component, in both languages. The compiler tells of one that is missing.

export type Locale = 'ko' | 'en';

const en = {
    terminal: 'Terminal',
    connecting: 'Connecting…',
    waiting: 'The connection was lost. Trying again…',
    shellEnded: (reason: string) => `The shell has ended (${reason}).`,
    closed: 'The session was closed.',
    refused:
        'The daemon does not let this page in. Open it by the address that aim-backend printed.',
    noProject: (reason: string) => `No such project: ${reason}`,
    gone: 'This session is gone: it ended, or the daemon was started anew.',
    anew: '[the shell before is gone: it ended, or aim-backend was started anew; this is a new one]',
    idle: 'The session was ended after a long time without input or output.',
    takenOver: 'Another page has taken this session up.',
    tooMany: (reason: string) => `No more sessions: ${reason}. End one first.`,
    failed: (reason: string) => `The session ended: ${reason}`,
    begin: 'New session',
    takeBack: 'Take it back',
    copyAsked: 'The program in the terminal wants to write to your clipboard.',
    allow: 'Allow',
    deny: 'Deny',
    find: 'Find',
    next: 'Next',
    previous: 'Previous',
    close: 'Close',
    left: 'Out of the terminal. Tab goes on, Shift-Tab goes back.',
};

export type Words = typeof en;

const ko: Words = {
    terminal: '터미널',
    connecting: '연결하는 중…',
    waiting: '연결이 끊어졌습니다. 다시 연결하는 중…',
    shellEnded: (reason) => `셸이 끝났습니다 (${reason}).`,
    closed: '세션을 닫았습니다.',
    refused: '데몬이 이 페이지를 허용하지 않습니다. aim-backend가 출력한 주소로 여세요.',
    noProject: (reason) => `프로젝트가 없습니다: ${reason}`,
    gone: '이 세션은 더 이상 없습니다. 세션이 끝났거나 데몬이 다시 시작되었습니다.',
    anew: '[이전 셸은 끝났거나, aim-backend가 다시 시작되며 사라졌습니다. 새 셸입니다]',
    idle: '오랫동안 입력과 출력이 없어 세션을 끝냈습니다.',
    takenOver: '다른 페이지가 이 세션을 이어받았습니다.',
    tooMany: (reason) => `세션을 더 열 수 없습니다: ${reason}. 먼저 하나를 끝내세요.`,
    failed: (reason) => `세션이 끝났습니다: ${reason}`,
    begin: '새 세션',
    takeBack: '되찾기',
    copyAsked: '터미널의 프로그램이 클립보드에 쓰려고 합니다.',
    allow: '허용',
    deny: '거부',
    find: '찾기',
    next: '다음',
    previous: '이전',
    close: '닫기',
    left: '터미널에서 나왔습니다. Tab은 다음으로, Shift-Tab은 터미널로 갑니다.',
};

export const words: Record<Locale, Words> = { ko, en };

/** Why a session is over, in words. */
export function whyEnded(w: Words, code: number, reason: string, wasSession: boolean): string {
    switch (code) {
        case 1000:
            return reason === 'closed' ? w.closed : w.shellEnded(reason);
        case 4401:
        case 4403:
            return w.refused;
        case 4404:
            return wasSession ? w.gone : w.noProject(reason);
        case 4408:
            return w.idle;
        case 4409:
            return w.takenOver;
        case 4429:
            return w.tooMany(reason);
        default:
            return w.failed(reason || String(code));
    }
}
