import { render } from 'preact';
import { ConsolePage } from './console-page.js';
import { chosenTheme, showTheme } from './theme.js';

showTheme(chosenTheme());
const root = document.getElementById('console');
if (root !== null) render(<ConsolePage />, root);
