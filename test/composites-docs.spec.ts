import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { parse } from 'yaml';
import { type RunningService, startService } from '../examples/kernel/service.js';
import { SIX_SERVICES } from '../examples/services/six-services.js';
import { ask } from '../examples/testing/ask.js';
import { parseGateway } from '../src/composite/config/gateway.js';
import { createApi } from '../src/gateway.js';

const file = join(__dirname, '../docs/composites.md');
const page = readFileSync(file, 'utf8');
/** Writes what the examples answer now into the page; for whoever changes an example. */
const rewriting = process.env['REWRITE_DOCS'] === 'true';

interface Block {
  readonly language: string;
  readonly text: string;
}

interface Example {
  readonly command: string;
  /** How the page shows the answer: its body as `json` or `text`, or head and body as `http`. */
  readonly shown: Block;
}

const blocks: readonly Block[] = [...page.matchAll(/```(\w+)\n([^]*?)```/g)].map(
  ([, language = '', text = '']) => ({ language, text }),
);
const composites = blocks.filter(
  ({ language, text }) => language === 'yaml' && text.startsWith('composites:'),
);
const examples = blocks.flatMap(({ language, text }, index): Example[] => {
  if (language !== 'sh' || !text.startsWith('curl')) return [];
  const commands = text.trim().split('\n');
  return commands.map((command, place) => {
    const shown = blocks[index + 1 + place];
    if (shown === undefined) throw new Error(`the page shows no answer to ${command}`);
    return { command, shown };
  });
});

describe('docs/composites.md', () => {
  const services: RunningService[] = [];
  let app: NestFastifyApplication;
  let origin: string;

  beforeAll(async () => {
    const upstreams: Record<string, { url: string }> = {};
    for (const definition of SIX_SERVICES) {
      const service = await startService(definition, { port: 0 });
      services.push(service);
      upstreams[definition.name] = { url: service.url };
    }
    const written = composites.map(({ text }) => (parse(text) as { composites: object }).composites);
    const text = JSON.stringify({ upstreams, composites: Object.assign({}, ...written) as unknown });
    app = await createApi(parseGateway(text), { logger: false });
    await app.listen(0, '127.0.0.1');
    origin = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
    await Promise.all(services.map((service) => service.close()));
    if (rewriting) writeFileSync(file, rewritten());
  });

  it('has examples', () => {
    expect(composites.length).toBeGreaterThan(8);
    expect(examples.length).toBeGreaterThan(composites.length);
  });

  const answers = new Map<Example, string>();

  it.each(examples)('$command', async (example) => {
    const { command, shown } = example;
    const answer = settled(await answerTo(command, shown.language));
    answers.set(example, answer);
    if (rewriting) return;
    if (shown.language === 'json') expect(JSON.parse(answer)).toEqual(JSON.parse(settled(shown.text)));
    else if (shown.language === 'http') expectHead(answer, settled(shown.text));
    else expect(answer.trim()).toBe(settled(shown.text).trim());
  });

  async function answerTo(command: string, language: string): Promise<string> {
    const { url, method, headers, body } = readCurl(command);
    const reply = await ask(url.replace(/^(http:\/\/)?localhost:3000/, origin), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = reply.bytes.toString();
    if (language !== 'http') return text;
    const head = Object.entries(reply.headers).map(([name, value]) => `${name}: ${String(value)}`);
    return [`HTTP/1.1 ${String(reply.status)}`, ...head, '', text].join('\n');
  }

  function rewritten(): string {
    let at = 0;
    const byBlock = new Map([...answers].map(([{ shown }, answer]) => [blocks.indexOf(shown), answer]));
    return page.replaceAll(/```(\w+)\n([^]*?)```/g, (whole, language: string, text: string) => {
      const answer = byBlock.get(at++);
      if (answer === undefined) return whole;
      return `\`\`\`${language}\n${presented(answer, language, text)}\n\`\`\``;
    });
  }
});

/** Each line of the head that the page shows stands in the answer, and the body is the same. */
function expectHead(answer: string, shown: string): void {
  const [head = '', body = ''] = answer.split('\n\n');
  const [shownHead = '', shownBody = ''] = shown.trim().split('\n\n');
  for (const line of shownHead.split('\n')) expect(head.split('\n')).toContain(line);
  expect(JSON.parse(body)).toEqual(JSON.parse(shownBody));
}

/** The answer without what differs from one time to the next. */
function settled(answer: string): string {
  return answer
    .replaceAll(/dur=\d+/g, 'dur=4')
    .replaceAll(/"durationMs":\d+/g, '"durationMs":4')
    .replaceAll(/("requestId": ?")[^"]*/g, '$19f1c');
}

const SHOWN_HEADERS = /^(HTTP|content-type|composite-|cache-control|www-authenticate|retry-after)/;

function presented(answer: string, language: string, before: string): string {
  if (language === 'text') return answer.trim();
  const json = (text: string) => JSON.stringify(JSON.parse(text), null, 2);
  if (language === 'json') return before.includes('\n  ') || answer.length > 100 ? json(answer) : answer;
  const [head = '', body = ''] = answer.split('\n\n');
  return [...head.split('\n').filter((line) => SHOWN_HEADERS.test(line)), '', json(body)].join('\n');
}

interface CurlCommand {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** As much of curl as the page uses. */
function readCurl(command: string): CurlCommand {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const headers: Record<string, string> = {};
  let url = '';
  let method = 'GET';
  let body: string | undefined;
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-s' || word === '-i' || word === '-N') continue;
    if (word === '-X') method = words[++at] ?? '';
    else if (word === '-d') body = words[++at];
    else if (word === '-H') {
      const [name = '', ...value] = (words[++at] ?? '').split(': ');
      headers[name] = value.join(': ');
    } else url = word;
  }
  return { url, method, headers, body };
}
