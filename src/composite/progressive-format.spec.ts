import { EVENT_STREAM, JSON_LINES, progressiveFormatFor } from './progressive-format.js';

describe('the form of an answer', () => {
  it.each([
    [undefined],
    ['*/*'],
    ['application/json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['application/json, text/event-stream'],
    ['text/event-stream, */*'],
    ['text/event-stream, application/*'],
    ['application/x-ndjson;q=0.5, application/json;q=0.5'],
    ['text/event-stream;q=0.9, application/json'],
    ['text/event-stream;q=0'],
    ['text/event-stream;q=2'],
    ['text/event-stream;q=high'],
    ['text/event-streams'],
    ['image/png'],
    [''],
    [',;=/'],
  ])('is a document for %p', (accept) => {
    expect(progressiveFormatFor(accept)).toBeUndefined();
  });

  it.each([
    ['text/event-stream'],
    ['Text/Event-Stream'],
    ['text/event-stream;charset=utf-8'],
    ['text/event-stream ; q=0.001'],
    ['text/event-stream, application/json;q=0.9'],
    ['text/event-stream, */*;q=0.1'],
    ['text/event-stream, application/x-ndjson'],
    ['application/x-ndjson, text/event-stream'],
    ['text/*, application/x-ndjson;q=0.5'],
    ['application/json;q=0, text/event-stream;q=0.1'],
  ])('is a stream of events for %p', (accept) => {
    expect(progressiveFormatFor(accept)).toBe(EVENT_STREAM);
  });

  it.each([
    ['application/x-ndjson'],
    ['application/x-ndjson, text/event-stream;q=0.9'],
    ['application/x-ndjson, application/*;q=0.5'],
    ['application/*, application/json;q=0.2, text/event-stream;q=0'],
  ])('is a line for each event for %p', (accept) => {
    expect(progressiveFormatFor(accept)).toBe(JSON_LINES);
  });
});

describe('an event', () => {
  it('is one of server-sent events, its data on one line', () => {
    expect(EVENT_STREAM.written('part', { part: 'a', data: { text: 'two\nlines' } })).toBe(
      'event: part\ndata: {"part":"a","data":{"text":"two\\nlines"}}\n\n',
    );
  });

  it('is one object on one line', () => {
    expect(JSON_LINES.written('report', { complete: true })).toBe('{"event":"report","complete":true}\n');
  });
});
