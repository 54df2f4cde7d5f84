import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { whenServed } from '../aggregation/when-served.js';

/** The page is made of what is served beside it, and speaks with nobody else; nobody may frame or embed it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Puts on every response under `/console`, refusals too, what keeps browsers from doing more with it than is meant. */
@Injectable()
export class ConsoleHeaders {
  constructor(host: HttpAdapterHost) {
    whenServed(host, (fastify) => {
      fastify.addHook('onRequest', (request, reply, done) => {
        if (request.url.startsWith('/console')) void reply.headers(HEADERS);
        done();
      });
    });
  }
}
