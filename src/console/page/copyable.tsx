import { type VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const SHOWN_FOR_MS = 1_500;

/** An id, and a button that copies it. Where the browser lets no page copy (plain HTTP), it selects it. */
export function Copyable({ name, value }: { readonly name: string; readonly value: string }): VNode {
  const text = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => {
      setSaid('');
    }, SHOWN_FOR_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setSaid('copied');
    } catch {
      if (text.current !== null) getSelection()?.selectAllChildren(text.current);
      setSaid('selected');
    }
  };
  return (
    <span class="copyable">
      <span class="quiet">{name}</span> <code ref={text}>{value}</code>
      <button type="button" class="quiet-button" aria-label={`Copy ${name}`} onClick={() => void copy()}>
        <span aria-live="polite">{said === '' ? 'copy' : said}</span>
      </button>
    </span>
  );
}
