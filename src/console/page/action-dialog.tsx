import { type TargetedSubmitEvent, type VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type UpstreamState } from '../console-state.js';
import { adminToken } from './admin-token.js';
import { listed } from './humane-numbers.js';
import { ACTION_WORDS, type OperatorAction, perform } from './operator-action.js';

/** Asks for what an action still needs: the admin token where it is not known, a yes where the action hurts. */
export function ActionDialog({
  upstream: { name, composites },
  action,
  refused,
  onDone,
  onClose,
}: {
  readonly upstream: UpstreamState;
  readonly action: OperatorAction;
  /** The token that was known has just been refused. */
  readonly refused: boolean;
  readonly onDone: () => void;
  readonly onClose: () => void;
}): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [known, setKnown] = useState(adminToken.read());
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState(refused ? REFUSED : null);
  const [busy, setBusy] = useState(false);
  const destructive = action === 'force-open';

  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const given = known ?? token.trim();
    setBusy(true);
    setFailure(null);
    const result = await perform(name, action, given);
    setBusy(false);
    switch (result.kind) {
      case 'done':
        adminToken.keep(given);
        onDone();
        return;
      case 'unauthorized':
        adminToken.forget();
        setKnown(null);
        setFailure(REFUSED);
        return;
      case 'failed':
        setFailure(result.why);
    }
  };

  return (
    <dialog ref={dialog} aria-labelledby="action-title" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="action-title">
          {ACTION_WORDS[action].button}: <span class="name">{name}</span>
        </h2>
        <p>{CONSEQUENCES[action]}</p>
        {destructive && composites.length > 0 ? (
          <p class="warning-text">
            It will be felt by{' '}
            {composites.length > 4 ? `${composites.length} composites` : listed(composites)}.
          </p>
        ) : null}
        {known === null ? (
          <label class="field">
            <span>Admin token</span>
            <input
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              value={token}
              onInput={({ currentTarget }) => {
                setToken(currentTarget.value);
                setFailure(null);
              }}
            />
            <small>server.adminToken of the configuration. Kept until this tab is closed.</small>
          </label>
        ) : (
          <p class="quiet">With the admin token of this tab.</p>
        )}
        <p class="dialog-failure" role="alert">
          {failure}
        </p>
        <div class="dialog-buttons">
          <button
            type="button"
            onClick={() => {
              dialog.current?.close();
            }}
          >
            Cancel
          </button>
          <button type="submit" class={destructive ? 'danger' : 'primary'} disabled={busy}>
            {ACTION_WORDS[action].button}
          </button>
        </div>
      </form>
    </dialog>
  );
}

const REFUSED = 'The gateway does not know this token.';

const CONSEQUENCES: Record<OperatorAction, string> = {
  'force-open': 'All calls are refused at once, until you close or reset the breaker.',
  close: 'Calls pass again. The breaker counts on, and opens again if they fail.',
  reset: 'The breaker forgets what it has counted and does what the configuration says.',
  'pause-probe': 'Its health is no longer asked for; only traffic shows it.',
  'resume-probe': 'Its health is asked for again.',
};
