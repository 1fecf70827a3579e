// All projects, with the state of each one's worker.

import { useCallback, useContext, useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { projects as askForProjects, register } from '../api/calls.ts';
import type { ProjectInfo } from '../api/calls.ts';
import { DaemonContext } from '../daemon.ts';
import { SettingsMenu } from '../parts/SettingsMenu.tsx';
import { addressOf } from '../route.ts';
import { WordsContext } from '../words.ts';
import { WorkerState } from '../parts/WorkerState.tsx';

export function ProjectList(): ReactElement {
    const w = useContext(WordsContext);
    const { comings, follow } = useContext(DaemonContext);
    const [projects, setProjects] = useState<ProjectInfo[]>();
    const [folder, setFolder] = useState('');
    const [why, setWhy] = useState<string>();

    const look = useCallback(() => {
        askForProjects().then(setProjects, () => undefined);
    }, []);
    useEffect(look, [look, comings]);
    useEffect(() => follow(look), [follow, look]);

    const add = async (): Promise<void> => {
        try {
            const added = await register(folder.trim());
            location.hash = addressOf(added.id);
        } catch (error) {
            setWhy(w.failed(error instanceof Error ? error.message : String(error)));
        }
    };

    return (
        <main className="sheet">
            <header className="sheet-head">
                <h1>{w.projects.title}</h1>
                <SettingsMenu />
            </header>
            {projects?.length === 0 && <p>{w.projects.none}</p>}
            {projects && projects.length > 0 && (
                <div className="scroll">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{w.projects.project}</th>
                                <th scope="col">{w.projects.worker}</th>
                                <th scope="col" className="number">
                                    {w.projects.generation}
                                </th>
                                <th scope="col">{w.projects.python}</th>
                            </tr>
                        </thead>
                        <tbody>
                            {projects.map((project) => (
                                <tr key={project.id}>
                                    <td>
                                        <a href={addressOf(project.id)}>{project.id}</a>
                                        <div className="faint path">{project.path}</div>
                                    </td>
                                    <td>
                                        <WorkerState worker={project.worker ?? undefined} />
                                    </td>
                                    <td className="number">
                                        {project.worker?.env_generation ?? ''}
                                    </td>
                                    <td>
                                        {project.environment
                                            ? project.python
                                            : w.projects.noEnvironment}
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            <form
                className="line"
                onSubmit={(event) => {
                    event.preventDefault();
                    void add();
                }}
            >
                <label>
                    {w.projects.folder}
                    <input
                        value={folder}
                        required
                        placeholder="/home/…/project"
                        spellCheck={false}
                        onChange={(event) => {
                            setFolder(event.target.value);
                            setWhy(undefined);
                        }}
                    />
                </label>
                <button type="submit">{w.projects.add}</button>
            </form>
            {why !== undefined && (
                <p className="bad" role="alert">
                    {why}
                </p>
            )}
        </main>
    );
}
