import { type Observable } from 'rxjs';
import { ScriptedSource } from './scripted-source.js';

/** Calls that wait until the test says how each ends, by what they ask for. */
export class ScriptedCalls {
  /** What was asked for, in that order. */
  readonly asked: string[] = [];
  private readonly sources = new Map<string, ScriptedSource<unknown>>();

  readonly ask = (what: unknown): Observable<unknown> => {
    const name = String(what);
    this.asked.push(name);
    const scripted = new ScriptedSource<unknown>();
    this.sources.set(name, scripted);
    return scripted.source;
  };

  /** Calls that wait for an answer right now. */
  get waiting(): string[] {
    return [...this.sources].filter(([, { waiting }]) => waiting > 0).map(([name]) => name);
  }

  get cancelled(): string[] {
    return [...this.sources].filter(([, { cancelled }]) => cancelled > 0).map(([name]) => name);
  }

  of(what: unknown): ScriptedSource<unknown> {
    const source = this.sources.get(String(what));
    if (source === undefined) throw new Error(`nobody asked for ${String(what)}`);
    return source;
  }
}
