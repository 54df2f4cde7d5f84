import { compositeRequest, RequestMistake } from './composite-request.js';
import { plannedComposite } from './testing/planned-composite.js';

const { config } = plannedComposite(
  { a: { get: '/a/{id}{?limit,lang,session}', forward: { query: ['q'] } } },
  {
    get: '/things/{thing}',
    params: {
      id: { alias: 'thing' },
      limit: { type: 'array', items: { type: 'integer' } },
      lang: { in: 'header', alias: 'X-Lang' },
      session: { in: 'cookie' },
    },
  },
);

function request(values: Readonly<Record<string, readonly string[]>>): ReturnType<typeof compositeRequest> {
  return compositeRequest(config, new Map(Object.entries(values)));
}

describe('the request of a composite', () => {
  it('has each value where the file says it stands', () => {
    const asked = request({ id: ['a/b c'], limit: ['1', '2'], lang: ['en'], session: ['x;y'] });
    expect(asked).toEqual({
      method: 'GET',
      url: '/things/a%2Fb%20c?limit=1&limit=2',
      headers: { accept: 'application/json', 'x-lang': 'en', cookie: 'session=x%3By' },
      body: undefined,
    });
  });

  it('may hold query parameters that are only passed on, and fields', () => {
    const asked = compositeRequest(
      config,
      new Map([
        ['id', ['1']],
        ['q', ['é']],
      ]),
      { fields: 'a.b,c' },
    );
    expect(asked.url).toBe('/things/1?q=%C3%A9&fields=a.b%2Cc');
  });

  it('says of a body that it is JSON, and sends given headers over its own', () => {
    const asked = compositeRequest(config, new Map([['id', ['1']]]), {
      body: '{}',
      headers: { accept: 'text/plain' },
    });
    expect(asked).toMatchObject({
      body: '{}',
      headers: { accept: 'text/plain', 'content-type': 'application/json' },
    });
  });

  it('cannot be made of names that are no parameters', () => {
    expect(() => request({ id: ['1'], limt: ['2'] })).toThrow(
      new RequestMistake('screen has no parameter limt; did you mean limit?'),
    );
  });

  it('cannot be made without what stands in the path', () => {
    expect(() => request({})).toThrow(
      new RequestMistake('screen needs id=..., which stands in its path /things/{thing}'),
    );
    expect(() => request({ id: [''] })).toThrow(RequestMistake);
  });
});
