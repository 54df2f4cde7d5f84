import { type Endpoint, Endpoints } from './endpoints.js';

const three = (): Endpoints => new Endpoints(['http://a', 'http://b/', 'http://c/v1//']);

const turns = (endpoints: Endpoints, times: number, now = 0): string[] =>
  Array.from({ length: times }, () => new URL(endpoints.next(now).baseUrl).host);

function refuse(endpoints: Endpoints, host: string, now: number): void {
  let endpoint: Endpoint;
  do endpoint = endpoints.next(-Infinity);
  while (new URL(endpoint.baseUrl).host !== host);
  endpoints.refused(endpoint, now);
}

describe('the endpoints of an upstream', () => {
  it('take turns', () => {
    expect(turns(three(), 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  });

  it('have no slash at their end', () => {
    expect(three().urls).toEqual(['http://a', 'http://b', 'http://c/v1']);
  });

  it('are never none', () => {
    expect(() => new Endpoints([])).toThrow('at least one endpoint');
  });

  it('are passed over for a second after they refused a connection', () => {
    const endpoints = three();
    refuse(endpoints, 'b', 5_000);
    expect(turns(endpoints, 4, 5_000)).toEqual(['c', 'a', 'c', 'a']);
    expect(turns(endpoints, 3, 5_999)).toEqual(['c', 'a', 'c']);
    expect(turns(endpoints, 4, 6_000)).toEqual(['a', 'b', 'c', 'a']);
  });

  it('go on taking turns when all of them have refused', () => {
    const endpoints = three();
    for (const host of ['a', 'b', 'c']) refuse(endpoints, host, 0);
    expect(turns(endpoints, 6, 1)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('are asked all the same when there is only one', () => {
    const endpoints = new Endpoints(['http://a']);
    refuse(endpoints, 'a', 0);
    expect(turns(endpoints, 2, 1)).toEqual(['a', 'a']);
  });
});
