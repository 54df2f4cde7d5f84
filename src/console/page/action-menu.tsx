import { type VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type UpstreamState } from '../console-state.js';
import { ACTION_WORDS, type OperatorAction } from './operator-action.js';

/** What an operator can do to an upstream, behind a button. */
export function ActionMenu({
  upstream: { name, breaker, probePaused },
  tabIndex,
  onAsk,
}: {
  readonly upstream: UpstreamState;
  readonly tabIndex: 0 | -1;
  readonly onAsk: (action: OperatorAction) => void;
}): VNode {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const forced = breaker.state === 'force-open';
  const actions: readonly OperatorAction[] = [
    ...(forced ? [] : (['force-open'] as const)),
    'close',
    'reset',
    probePaused ? 'resume-probe' : 'pause-probe',
  ];

  // Before the next key is pressed, which is meant for the menu.
  useLayoutEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus();
    const leave = (event: Event): void => {
      if (!(root.current?.contains(event.target as Node) ?? false)) setOpen(false);
    };
    document.addEventListener('pointerdown', leave);
    document.addEventListener('focusin', leave);
    return () => {
      document.removeEventListener('pointerdown', leave);
      document.removeEventListener('focusin', leave);
    };
  }, [open]);

  const press = (event: KeyboardEvent): void => {
    if (!open) return;
    const items = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const at = items.indexOf(event.target as HTMLElement);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (step !== undefined) items.at(step % items.length)?.focus();
    else if (event.key === 'Escape') {
      setOpen(false);
      button.current?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="menu" ref={root} onKeyDown={press}>
      <button
        type="button"
        class="quiet-button"
        ref={button}
        tabIndex={tabIndex}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={`Operate ${name}`}
        onClick={() => {
          setOpen(!open);
        }}
      >
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <circle cx="2.5" cy="8" r="1.5" fill="currentColor" />
          <circle cx="8" cy="8" r="1.5" fill="currentColor" />
          <circle cx="13.5" cy="8" r="1.5" fill="currentColor" />
        </svg>
      </button>
      {open ? (
        <div class="menu-items" role="menu" aria-label={`Operate ${name}`}>
          {actions.map((action) => (
            <button
              key={action}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                setOpen(false);
                button.current?.focus();
                onAsk(action);
              }}
            >
              {ACTION_WORDS[action].button}
              {action === 'force-open' ? '…' : ''}
            </button>
          ))}
        </div>
      ) : null}
    </div>
  );
}
