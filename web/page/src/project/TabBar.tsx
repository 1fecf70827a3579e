// The tabs of a project's terminals.

import { useContext, useRef } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';

import { WordsContext } from '../words.ts';

export interface TabName {
    id: number;
    name: string;
    /** The environment has changed since its shell began. */
    isBehind: boolean;
}

interface TabBarProps {
    tabs: TabName[];
    shown: number;
    onShow: (tab: number) => void;
    onClose: (tab: number) => void;
    onOpen: () => void;
    onSplit: () => void;
}

export function TabBar({
    tabs,
    shown,
    onShow,
    onClose,
    onOpen,
    onSplit,
}: TabBarProps): ReactElement {
    const w = useContext(WordsContext);
    const bar = useRef<HTMLDivElement>(null);

    /** Arrows move between tabs, Delete closes one (ARIA's pattern for tabs). */
    const onKey = (event: KeyboardEvent, place: number): void => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        const tab = tabs[place];
        if (by !== undefined) {
            const to = (place + by + tabs.length) % tabs.length;
            bar.current?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
        } else if (event.key === 'Delete' && tab) {
            onClose(tab.id);
        }
    };

    return (
        <div className="tabs">
            <div role="tablist" aria-label={w.terminal.tabs} ref={bar}>
                {tabs.map(({ id, name, isBehind }, place) => (
                    <div key={id} className="tab" data-shown={id === shown} role="presentation">
                        <button
                            type="button"
                            role="tab"
                            id={`tab-${id}`}
                            aria-selected={id === shown}
                            aria-controls={`tab-panel-${id}`}
                            tabIndex={id === shown ? 0 : -1}
                            onClick={() => {
                                onShow(id);
                            }}
                            onAuxClick={(event) => {
                                if (event.button === 1) onClose(id);
                            }}
                            onKeyDown={(event) => {
                                onKey(event, place);
                            }}
                        >
                            {name}
                            {isBehind && (
                                <span className="behind" title={w.terminal.behind}>
                                    {' ↻'}
                                    <span className="unseen">{w.terminal.behind}</span>
                                </span>
                            )}
                        </button>
                        <button
                            type="button"
                            className="plain"
                            tabIndex={-1}
                            aria-label={w.terminal.closeTab(name)}
                            onClick={() => {
                                onClose(id);
                            }}
                        >
                            ×
                        </button>
                    </div>
                ))}
            </div>
            <button
                type="button"
                className="plain"
                aria-label={w.terminal.fresh}
                title={`${w.terminal.fresh} (Ctrl-Shift-Enter)`}
                onClick={onOpen}
            >
                +
            </button>
            <button
                type="button"
                className="plain"
                aria-label={w.terminal.split}
                title={`${w.terminal.split} (Ctrl-Shift-S)`}
                onClick={onSplit}
            >
                ◫
            </button>
        </div>
    );
}
