// One project: its terminals, what happens around them, and a panel below.

import '@aim/project-terminal/style.css';
import { ProjectTerminal } from '@aim/project-terminal';
import { Suspense, lazy, useContext, useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { CallError, endTerminal, restart, workerLog } from '../api/calls.ts';
import type { TerminalInfo } from '../api/calls.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { SettingsMenu } from '../parts/SettingsMenu.tsx';
import { TextDialog } from '../parts/TextDialog.tsx';
import { SettingsContext } from '../settings.ts';
import { WordsContext } from '../words.ts';
import { Guide } from './Guide.tsx';
import { SessionsDialog } from './SessionsDialog.tsx';
import { StatusLine } from './StatusLine.tsx';
import { TabBar } from './TabBar.tsx';
import { Toasts } from './Toasts.tsx';
import { panesOf } from './layout.ts';
import type { Pane, Tab } from './layout.ts';
import { isBehind, isBusy, nameOf, useSessions } from './sessions.ts';
import { useLayout } from './useLayout.ts';
import { useNotices } from './useNotices.ts';
import { useProject } from './useProject.ts';
import { useShortcuts } from './useShortcuts.ts';

const HistoryPanel = lazy(async () => ({
    default: (await import('../history/HistoryPanel.tsx')).HistoryPanel,
}));
const NodePanel = lazy(async () => ({
    default: (await import('../nodes/NodePanel.tsx')).NodePanel,
}));

type Panel = 'history' | 'nodes';

/** What covers the page. */
type Above =
    | { name: 'guide' | 'log' | 'sessions' }
    /** A terminal is to end in which something runs. */
    | { name: 'end'; session: TerminalInfo };

export function ProjectPage({ id }: { id: string }): ReactElement {
    const w = useContext(WordsContext);
    const { settings, theme } = useContext(SettingsContext);
    const [layout, change] = useLayout(id);
    const panes = panesOf(layout);
    const sessions = useSessions(id, panes.map(({ session }) => session).join());
    const { info, isUnknown } = useProject(id);
    const [panel, setPanel] = useState<Panel>();
    const [above, setAbove] = useState<Above | undefined>(
        settings.guide ? { name: 'guide' } : undefined,
    );
    const { notices, tell, dismiss } = useNotices(id);
    const [isRestarting, setRestarting] = useState(false);

    const named = (pane: Pane | undefined): TerminalInfo | undefined =>
        sessions.find(({ session }) => session === pane?.session);
    const close = (): void => {
        setAbove(undefined);
    };

    const end = (session: string): void => {
        endTerminal(session).catch(() => undefined);
        const pane = panes.find((one) => one.session === session);
        if (pane) change({ type: 'close', pane: pane.id });
        close();
    };
    const askToEnd = (terminal: TerminalInfo): void => {
        if (isBusy(terminal)) setAbove({ name: 'end', session: terminal });
        else end(terminal.session);
    };
    const closePane = (pane: Pane): void => {
        const terminal = named(pane);
        if (terminal) askToEnd(terminal);
        else change({ type: 'close', pane: pane.id });
    };
    const closeTab = (tab: Tab | undefined): void => {
        // One after the other, so that each may be asked about.
        const pane = tab?.panes.at(-1);
        if (pane) closePane(pane);
    };

    const restartWorker = (): void => {
        setRestarting(true);
        restart(id)
            .catch((error: unknown) => {
                // What fails on the new environment is told by an event.
                if (error instanceof CallError && error.code === 'environment-refresh-failed')
                    return;
                tell({ about: 'page', kind: 'bad', reason: String(error) });
            })
            .finally(() => {
                setRestarting(false);
            });
    };

    const toggle = (wanted: Panel): void => {
        setPanel((before) => (before === wanted ? undefined : wanted));
    };
    useShortcuts((shortcut) => {
        switch (shortcut) {
            case 'open':
                change({ type: 'open' });
                break;
            case 'split':
                change({ type: 'split' });
                break;
            case 'previous':
                change({ type: 'step', by: -1 });
                break;
            case 'next':
                change({ type: 'step', by: 1 });
                break;
            case 'history':
            case 'nodes':
                toggle(shortcut);
                break;
            case 'leave':
                document.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
        }
    });

    const focused = layout.tabs.find((tab) => tab.id === layout.shown)?.focused;
    useEffect(() => {
        const pane = document.getElementById(`pane-${focused ?? ''}`);
        pane?.querySelector<HTMLElement>('textarea')?.focus();
    }, [focused]);

    if (isUnknown) {
        return (
            <main className="sheet">
                <h1>{id}</h1>
                <p>{w.terminal.unknown}</p>
                <p>
                    <a href="#/">{w.projects.all}</a>
                </p>
            </main>
        );
    }

    return (
        <div className="project">
            <header className="bar">
                <a className="home" href="#/" aria-label={w.projects.all} title={w.projects.all}>
                    ‹
                </a>
                <h1 title={info?.path}>{id}</h1>
                <TabBar
                    tabs={layout.tabs.map((tab) => ({
                        id: tab.id,
                        name: nameOfTab(tab, named, w.terminal.shell),
                        isBehind: tab.panes.some((pane) => isBehind(named(pane), info)),
                    }))}
                    shown={layout.shown}
                    onShow={(tab) => {
                        change({ type: 'show', tab });
                    }}
                    onClose={(tab) => {
                        closeTab(layout.tabs.find((one) => one.id === tab));
                    }}
                    onOpen={() => {
                        change({ type: 'open' });
                    }}
                    onSplit={() => {
                        change({ type: 'split' });
                    }}
                />
                <nav className="tools">
                    <ToolButton
                        words={w.history.title}
                        isOn={panel === 'history'}
                        onClick={() => {
                            toggle('history');
                        }}
                    />
                    <ToolButton
                        words={w.nodes.title}
                        isOn={panel === 'nodes'}
                        onClick={() => {
                            toggle('nodes');
                        }}
                    />
                    <button
                        type="button"
                        onClick={() => {
                            setAbove({ name: 'sessions' });
                        }}
                    >
                        {w.terminal.sessions}
                    </button>
                    <button
                        type="button"
                        className="plain"
                        aria-label={w.guide.open}
                        title={w.guide.open}
                        onClick={() => {
                            setAbove({ name: 'guide' });
                        }}
                    >
                        ?
                    </button>
                    <SettingsMenu />
                </nav>
            </header>
            <main className="terminals">
                {layout.tabs.map((tab) => (
                    <div
                        key={tab.id}
                        id={`tab-panel-${tab.id}`}
                        role="tabpanel"
                        aria-labelledby={`tab-${tab.id}`}
                        className="panes"
                        hidden={tab.id !== layout.shown}
                    >
                        {tab.panes.map((pane) => (
                            <div
                                key={pane.id}
                                id={`pane-${pane.id}`}
                                className="pane"
                                onFocus={() => {
                                    if (tab.focused !== pane.id)
                                        change({ type: 'focus', pane: pane.id });
                                }}
                            >
                                <ProjectTerminal
                                    projectId={id}
                                    session={pane.session}
                                    theme={theme}
                                    locale={settings.locale}
                                    screenReaderMode={settings.screenReader}
                                    copyOnSelect={settings.copyOnSelect}
                                    onSession={(session) => {
                                        change({ type: 'session', pane: pane.id, session });
                                    }}
                                    onExit={({ code }) => {
                                        // As every terminal does; the last one stays, to say what became of it.
                                        if (code === 0 && panes.length > 1)
                                            change({ type: 'close', pane: pane.id });
                                    }}
                                />
                            </div>
                        ))}
                    </div>
                ))}
                {layout.next > 1 && layout.tabs.length === 0 && (
                    <p className="empty">
                        <button
                            type="button"
                            onClick={() => {
                                change({ type: 'open' });
                            }}
                        >
                            {w.terminal.fresh}
                        </button>
                    </p>
                )}
            </main>
            {panel && (
                <section className="panel" aria-label={w[panel].title}>
                    <header>
                        <h2>{w[panel].title}</h2>
                        <button
                            type="button"
                            className="plain"
                            aria-label={w.close}
                            onClick={() => {
                                setPanel(undefined);
                            }}
                        >
                            ×
                        </button>
                    </header>
                    <Suspense>
                        {panel === 'history' ? (
                            <HistoryPanel project={id} />
                        ) : (
                            <NodePanel project={id} root={info?.path} />
                        )}
                    </Suspense>
                </section>
            )}
            <StatusLine
                project={info}
                isRestarting={isRestarting}
                onRestart={restartWorker}
                onLog={() => {
                    setAbove({ name: 'log' });
                }}
            />
            <Toasts
                notices={notices}
                onDismiss={dismiss}
                onRestart={restartWorker}
                onLog={() => {
                    setAbove({ name: 'log' });
                }}
            />
            {above?.name === 'guide' && <Guide onClose={close} />}
            {above?.name === 'log' && (
                <TextDialog
                    title={w.worker.log}
                    empty={w.worker.emptyLog}
                    load={() => workerLog(id)}
                    onClose={close}
                />
            )}
            {above?.name === 'sessions' && (
                <SessionsDialog
                    sessions={sessions}
                    here={panes.flatMap(({ session }) => session ?? [])}
                    onTakeUp={(session) => {
                        change({ type: 'open', session });
                        close();
                    }}
                    onEnd={askToEnd}
                    onClose={close}
                />
            )}
            {above?.name === 'end' && (
                <Dialog title={w.terminal.endTitle} onClose={close}>
                    <p>{w.terminal.running(nameOf(above.session, w.terminal.shell))}</p>
                    <div className="line">
                        <button
                            type="button"
                            onClick={() => {
                                end(above.session.session);
                            }}
                        >
                            {w.terminal.end}
                        </button>
                        <button type="button" onClick={close}>
                            {w.cancel}
                        </button>
                    </div>
                </Dialog>
            )}
        </div>
    );
}

interface ToolButtonProps {
    words: string;
    isOn: boolean;
    onClick: () => void;
}

function ToolButton({ words, isOn, onClick }: ToolButtonProps): ReactElement {
    return (
        <button type="button" aria-pressed={isOn} onClick={onClick}>
            {words}
        </button>
    );
}

function nameOfTab(
    tab: Tab,
    named: (pane: Pane | undefined) => TerminalInfo | undefined,
    otherwise: string,
): string {
    const name = nameOf(named(tab.panes.find(({ id }) => id === tab.focused)), otherwise);
    return tab.panes.length > 1 ? `${name} +${tab.panes.length - 1}` : name;
}
