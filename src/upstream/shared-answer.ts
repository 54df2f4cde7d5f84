import { AxiosHeaders } from 'axios';
import { type UpstreamResponse } from './upstream-call.js';

/**
 * Makes copies of an answer for those who share it, so that nobody can change what another one reads. Written down once,
 * before anybody has it, and parsed for each: what a call of its own would have cost, without the wire. A cookie that is
 * set goes to the first one only: it may name a session.
 */
export function copierOf(response: UpstreamResponse): () => UpstreamResponse {
  const { data } = response;
  const json = typeof data === 'object' && data !== null ? JSON.stringify(data) : undefined;
  const headers = Object.fromEntries(
    Object.entries(response.headers).filter(([name]) => name !== 'set-cookie'),
  );
  return () => ({
    ...response,
    data: json === undefined ? data : (JSON.parse(json) as unknown),
    headers: Object.assign(new AxiosHeaders(), headers),
  });
}
