import { RequestProblem } from '../aggregation/request-problem.js';
import { type IncomingHeaders } from '../upstream/request-context.js';
import { type AuthScheme } from './config/composite-config.js';
import { cookiesOf } from './request-cookies.js';

/** Credentials that a request must carry. An upstream judges them; here they are only there or not. */
export class Authentication {
  constructor(
    private readonly scheme: AuthScheme,
    /** Those that are passed on; of `cookie`, one of them must be there. */
    private readonly cookies: ReadonlySet<string>,
  ) {}

  /** The header fields that go with a 401. */
  get challenge(): Readonly<Record<string, string>> {
    return CHALLENGES[this.scheme];
  }

  /** @throws RequestProblem (401) if they are not there. */
  check({ authorization, cookie }: IncomingHeaders): void {
    const field = this.scheme === 'cookie' ? cookie : authorization;
    if (!this.isThere(typeof field === 'string' ? field : '')) throw unauthenticated(this.scheme);
  }

  private isThere(field: string): boolean {
    switch (this.scheme) {
      case 'bearer':
        return BEARER.test(field);
      case 'basic':
        return BASIC.test(field);
      case 'cookie': {
        const sent = cookiesOf(field);
        return [...this.cookies].some((name) => (sent.get(name) ?? '') !== '');
      }
    }
  }
}

/** RFC 6750, 2.1 and RFC 7617, 2: the scheme, whatever its case, and one token68. */
const BEARER = /^bearer +[\w.~+/-]+=*$/i;
const BASIC = /^basic +[\w.~+/-]+=*$/i;

/** What a 401 asks for (RFC 9110, 11.6.1). There is nothing of the kind for cookies. */
const CHALLENGES: Readonly<Record<AuthScheme, Readonly<Record<string, string>>>> = {
  bearer: { 'www-authenticate': 'Bearer' },
  basic: { 'www-authenticate': 'Basic realm="api", charset="UTF-8"' },
  cookie: {},
};

function unauthenticated(scheme: AuthScheme): RequestProblem {
  switch (scheme) {
    case 'bearer':
      return new RequestProblem(401, 'This needs a bearer token.', [], CHALLENGES[scheme]);
    case 'basic':
      return new RequestProblem(401, 'This needs a user name and a password.', [], CHALLENGES[scheme]);
    case 'cookie':
      return new RequestProblem(401, 'This needs the cookie of a session.');
  }
}
