// What the address asks for: the list of projects or one of them; and what holds everywhere: language, theme, the daemon.

import { useEffect, useState, useSyncExternalStore } from 'react';
import type { ReactElement } from 'react';

import { DaemonContext, useDaemon } from './daemon.ts';
import { ProjectPage } from './project/ProjectPage.tsx';
import { ProjectList } from './projects/ProjectList.tsx';
import { projectIn } from './route.ts';
import { SettingsContext, storedSettings, storeSettings, usePrefersDark } from './settings.ts';
import { WordsContext, words } from './words.ts';

export function App(): ReactElement {
    const [settings, setSettings] = useState(storedSettings);
    const prefersDark = usePrefersDark();
    const theme = settings.theme === 'auto' ? (prefersDark ? 'dark' : 'light') : settings.theme;
    const daemon = useDaemon();
    const hash = useSyncExternalStore(onHash, () => location.hash);
    const project = projectIn(hash);
    const w = words[settings.locale];

    useEffect(() => {
        document.documentElement.dataset.theme = theme;
        document.documentElement.lang = settings.locale;
    }, [theme, settings.locale]);

    useEffect(() => {
        document.title = project === undefined ? w.title : `${project} · ${w.title}`;
    }, [project, w]);

    return (
        <SettingsContext
            value={{
                settings,
                theme,
                change: (changed) => {
                    const now = { ...settings, ...changed };
                    setSettings(now);
                    storeSettings(now);
                },
            }}
        >
            <WordsContext value={w}>
                <DaemonContext value={daemon}>
                    {daemon.state === 'gone' && (
                        <p className="banner" role="status">
                            {w.daemonGone}
                        </p>
                    )}
                    {daemon.state === 'locked' ? (
                        <main className="sheet">
                            <h1>{w.lockedTitle}</h1>
                            <p>{w.locked}</p>
                        </main>
                    ) : project === undefined ? (
                        <ProjectList />
                    ) : (
                        <ProjectPage key={project} id={project} />
                    )}
                </DaemonContext>
            </WordsContext>
        </SettingsContext>
    );
}

function onHash(changed: () => void): () => void {
    window.addEventListener('hashchange', changed);
    return () => {
        window.removeEventListener('hashchange', changed);
    };
}
