// Language, theme and the terminal's ways, in a dialog behind a button.

import { useContext, useState } from 'react';
import type { ReactElement } from 'react';

import { SettingsContext } from '../settings.ts';
import { WordsContext } from '../words.ts';
import { Dialog } from './Dialog.tsx';

export function SettingsMenu(): ReactElement {
    const w = useContext(WordsContext);
    const { settings, change } = useContext(SettingsContext);
    const [isOpen, setOpen] = useState(false);
    return (
        <>
            <button
                type="button"
                className="plain"
                aria-label={w.settings.title}
                title={w.settings.title}
                onClick={() => {
                    setOpen(true);
                }}
            >
                ⚙
            </button>
            {isOpen && (
                <Dialog
                    title={w.settings.title}
                    onClose={() => {
                        setOpen(false);
                    }}
                >
                    <div className="form">
                        <label>
                            {w.settings.language}
                            <select
                                value={settings.locale}
                                onChange={({ target }) => {
                                    change({ locale: target.value === 'ko' ? 'ko' : 'en' });
                                }}
                            >
                                <option value="en">English</option>
                                <option value="ko">한국어</option>
                            </select>
                        </label>
                        <label>
                            {w.settings.theme}
                            <select
                                value={settings.theme}
                                onChange={({ target: { value } }) => {
                                    change({
                                        theme:
                                            value === 'light' || value === 'dark' ? value : 'auto',
                                    });
                                }}
                            >
                                <option value="auto">{w.settings.auto}</option>
                                <option value="light">{w.settings.light}</option>
                                <option value="dark">{w.settings.dark}</option>
                            </select>
                        </label>
                        <Switch
                            words={w.settings.screenReader}
                            isOn={settings.screenReader}
                            onChange={(screenReader) => {
                                change({ screenReader });
                            }}
                        />
                        <Switch
                            words={w.settings.copyOnSelect}
                            isOn={settings.copyOnSelect}
                            onChange={(copyOnSelect) => {
                                change({ copyOnSelect });
                            }}
                        />
                    </div>
                </Dialog>
            )}
        </>
    );
}

interface SwitchProps {
    words: string;
    isOn: boolean;
    onChange: (isOn: boolean) => void;
}

export function Switch({ words, isOn, onChange }: SwitchProps): ReactElement {
    return (
        <label className="switch">
            <input
                type="checkbox"
                checked={isOn}
                onChange={(event) => {
                    onChange(event.target.checked);
                }}
            />
            {words}
        </label>
    );
}
