import { type VNode } from 'preact';
import { useState } from 'preact/hooks';
import { chooseTheme, chosenTheme, type Theme } from './theme.js';

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const WORDS: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' };

/** Light, dark, or as the system has it: one after the other. */
export function ThemeChoice(): VNode {
  const [theme, setTheme] = useState(chosenTheme);
  return (
    <button
      type="button"
      class="quiet-button theme-choice"
      aria-label={`Theme: ${WORDS[theme]}`}
      title={`Theme: ${WORDS[theme]}`}
      onClick={() => {
        chooseTheme(NEXT[theme]);
        setTheme(NEXT[theme]);
      }}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        {theme === 'dark' ? (
          <path d="M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3Z" fill="currentColor" />
        ) : (
          <>
            <circle cx="8" cy="8" r="5.2" fill="none" stroke="currentColor" stroke-width="1.5" />
            {theme === 'light' ? (
              <circle cx="8" cy="8" r="2.4" fill="currentColor" />
            ) : (
              <path d="M8 2.8a5.2 5.2 0 0 1 0 10.4Z" fill="currentColor" />
            )}
          </>
        )}
      </svg>
    </button>
  );
}
