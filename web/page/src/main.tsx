import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App.tsx';
import './styles/ground.css';
import './styles/parts.css';
import './styles/sheets.css';
import './styles/project.css';
import './styles/panels.css';
import './styles/dialogs.css';

const root = document.getElementById('root');
if (root) {
    createRoot(root).render(
        <StrictMode>
            <App />
        </StrictMode>,
    );
}
