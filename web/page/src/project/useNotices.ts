// The notices of a project: what its events are to a person, and what the page has to say itself.

import { useContext, useEffect, useRef, useState } from 'react';

import { DaemonContext } from '../daemon.ts';
import { noticeOf, withNotice } from './notices.ts';
import type { Notice } from './notices.ts';

interface Notices {
    notices: Notice[];
    tell: (notice: Omit<Notice, 'number'>) => void;
    dismiss: (notice: Notice) => void;
}

export function useNotices(project: string): Notices {
    const { follow } = useContext(DaemonContext);
    const [notices, setNotices] = useState<Notice[]>([]);
    const count = useRef(0);
    useEffect(
        () =>
            follow((event) => {
                const notice = event.project === project && noticeOf(event, ++count.current);
                if (notice) setNotices((before) => withNotice(before, notice));
            }),
        [follow, project],
    );
    return {
        notices,
        tell: (notice) => {
            setNotices((before) => withNotice(before, { ...notice, number: ++count.current }));
        },
        dismiss: ({ number }) => {
            setNotices((before) => before.filter((one) => one.number !== number));
        },
    };
}
