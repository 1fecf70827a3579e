// What a person is told who opens a project for the first time, and the keys.

import { useContext } from 'react';
import type { ReactElement } from 'react';

import { Dialog } from '../parts/Dialog.tsx';
import { Switch } from '../parts/SettingsMenu.tsx';
import { SettingsContext } from '../settings.ts';
import { WordsContext } from '../words.ts';

export function Guide({ onClose }: { onClose: () => void }): ReactElement {
    const w = useContext(WordsContext);
    const { settings, change } = useContext(SettingsContext);
    const commands = [
        ['pip install …', w.guide.install],
        ['pip uninstall …', w.guide.uninstall],
        ['aim-logs list', w.guide.list],
        ['ls .pip-logs', w.guide.logs],
        ['aim-worker restart', w.guide.restart],
    ];
    const keys = [
        ['Ctrl-Shift-Enter', w.keys.newTerminal],
        ['Ctrl-Shift-S', w.keys.split],
        ['Ctrl-Shift-← →', w.keys.tabs],
        ['Ctrl-Shift-H', w.keys.history],
        ['Ctrl-Shift-E', w.keys.nodes],
        ['Ctrl-Shift-C V', w.keys.copyPaste],
        ['Ctrl-Shift-F', w.keys.find],
        ['Ctrl-Shift-X', w.keys.leave],
    ];
    return (
        <Dialog title={w.guide.title} onClose={onClose}>
            <p>{w.guide.intro}</p>
            <dl className="guide">
                {commands.map(([command, what]) => (
                    <div key={command}>
                        <dt>
                            <code>{command}</code>
                        </dt>
                        <dd>{what}</dd>
                    </div>
                ))}
            </dl>
            <h3>{w.guide.keys}</h3>
            <dl className="guide">
                {keys.map(([key, what]) => (
                    <div key={key}>
                        <dt>
                            <kbd>{key}</kbd>
                        </dt>
                        <dd>{what}</dd>
                    </div>
                ))}
            </dl>
            <div className="line spread">
                <Switch
                    words={w.guide.again}
                    isOn={settings.guide}
                    onChange={(guide) => {
                        change({ guide });
                    }}
                />
                <button type="button" onClick={onClose}>
                    {w.guide.understood}
                </button>
            </div>
        </Dialog>
    );
}
