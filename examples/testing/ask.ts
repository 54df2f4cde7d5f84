import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** What to ask; a body is sent as JSON unless it is a string already. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An answer read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Asks on a connection of its own and reads the answer to its end; rejects when there is none. */
export async function ask(url: string, question: Question = {}): Promise<Reply> {
  const response = await open(url, question);
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) };
}

/** Asks, and hands over the answer as soon as its headers are here. */
export function open(
  url: string,
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, resolve);
    outgoing.once('error', reject);
    outgoing.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}

/** Asks for JSON and hands over what it says; the type is the test's own claim. */
export async function askJson<T>(url: string, question?: Question): Promise<T> {
  const { bytes } = await ask(url, question);
  return JSON.parse(bytes.toString()) as T;
}

/** Tries until the check holds, since the other side of a socket learns of things in its own time. */
export async function eventually(check: () => Promise<boolean>, withinMs = 5_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error(`Not so within ${withinMs} ms: ${String(check)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
