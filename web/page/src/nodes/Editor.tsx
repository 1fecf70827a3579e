// The text of a node's file, with what the project's language server says of it.

import { python } from '@codemirror/lang-python';
import { EditorState } from '@codemirror/state';
import { oneDark } from '@codemirror/theme-one-dark';
import { EditorView, keymap } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useContext, useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { CallError, nodeText, saveNodeText } from '../api/calls.ts';
import { SettingsContext } from '../settings.ts';
import { WordsContext } from '../words.ts';
import { LanguageServer, uriOf } from './languageServer.ts';
import type { ServerState } from './languageServer.ts';

interface EditorProps {
    project: string;
    /** The project's folder. */
    root: string;
    file: string;
}

/** What was typed and not saved, for who closes the editor and opens it again; by project and file. */
const drafts = new Map<string, { text: string; version: string }>();

type Kept = 'saved' | 'changed' | 'saving' | 'elsewhere' | { failed: string };

export function Editor({ project, root, file }: EditorProps): ReactElement {
    const w = useContext(WordsContext);
    const { theme } = useContext(SettingsContext);
    const place = useRef<HTMLDivElement>(null);
    const view = useRef<EditorView>(undefined);
    const version = useRef<string>('');
    const [kept, setKept] = useState<Kept>('saved');
    const [server, setServer] = useState<ServerState>({ name: 'connecting' });
    const [round, setRound] = useState(0);
    const draft = `${project} ${file}`;

    const save = (over?: string): void => {
        const text = view.current?.state.doc.toString();
        if (text === undefined) return;
        setKept('saving');
        saveNodeText(project, file, { text, version: over ?? version.current }).then(
            (saved) => {
                version.current = saved.version;
                const isSame = view.current?.state.doc.toString() === text;
                if (isSame) drafts.delete(draft);
                setKept(isSame ? 'saved' : 'changed');
            },
            (error: unknown) => {
                const isElsewhere =
                    error instanceof CallError && error.code === 'changed-meanwhile';
                setKept(isElsewhere ? 'elsewhere' : { failed: String(error) });
            },
        );
    };
    const saving = useRef(save);
    useEffect(() => {
        saving.current = save;
    });

    useEffect(() => {
        let isGone = false;
        let languageServer: LanguageServer | undefined;
        nodeText(project, file).then(
            (read) => {
                if (isGone || !place.current) return;
                const before = drafts.get(draft);
                version.current = before?.version ?? read.version;
                setKept(before ? 'changed' : 'saved');
                languageServer = new LanguageServer(project, root, setServer);
                const server = languageServer;
                const changed = EditorView.updateListener.of((update) => {
                    if (!update.docChanged) return;
                    const text = update.state.doc.toString();
                    drafts.set(draft, { text, version: version.current });
                    setKept('changed');
                    server.wake();
                });
                const saves = keymap.of([
                    {
                        key: 'Mod-s',
                        preventDefault: true,
                        run: () => {
                            saving.current();
                            return true;
                        },
                    },
                ]);
                view.current = new EditorView({
                    parent: place.current,
                    state: EditorState.create({
                        doc: before?.text ?? read.text,
                        extensions: [
                            saves,
                            basicSetup,
                            python(),
                            theme === 'dark' ? oneDark : [],
                            EditorView.contentAttributes.of({ 'aria-label': file }),
                            server.client.plugin(uriOf(read.path), 'python'),
                            changed,
                        ],
                    }),
                });
            },
            (error: unknown) => {
                setKept({ failed: error instanceof Error ? error.message : String(error) });
            },
        );
        return () => {
            isGone = true;
            view.current?.destroy();
            view.current = undefined;
            languageServer?.close();
        };
    }, [project, root, file, draft, theme, round]);

    const isOpen = kept !== 'saved';
    useEffect(() => {
        if (!isOpen) return;
        const ask = (event: BeforeUnloadEvent): void => {
            event.preventDefault();
        };
        addEventListener('beforeunload', ask);
        return () => {
            removeEventListener('beforeunload', ask);
        };
    }, [isOpen]);

    return (
        <div className="editor">
            <div className="editor-text" ref={place} />
            <p role="status" className={typeof kept === 'object' ? 'line bad' : 'line faint'}>
                <button
                    type="button"
                    disabled={kept === 'saved' || kept === 'saving'}
                    onClick={() => {
                        save();
                    }}
                >
                    {w.editor.save}
                </button>
                <span>{typeof kept === 'object' ? w.failed(kept.failed) : w.editor[kept]}</span>
                {kept === 'elsewhere' && (
                    <>
                        <button
                            type="button"
                            onClick={() => {
                                drafts.delete(draft);
                                setRound(round + 1);
                            }}
                        >
                            {w.editor.read}
                        </button>
                        <button
                            type="button"
                            onClick={() => {
                                nodeText(project, file).then(
                                    (now) => {
                                        save(now.version);
                                    },
                                    (error: unknown) => {
                                        setKept({ failed: String(error) });
                                    },
                                );
                            }}
                        >
                            {w.editor.over}
                        </button>
                    </>
                )}
                <span>
                    {server.name === 'none' ? w.editor.none(server.why) : w.editor[server.name]}
                </span>
            </p>
        </div>
    );
}
