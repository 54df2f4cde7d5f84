import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-child-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function child(source: string): Promise<Child> {
  const file = join(folder, 'child.cjs');
  await writeFile(file, source);
  return new Child('test', { file, env: { GREETING: 'hello' }, stdout: 'ignore' });
}

describe('Child', () => {
  it('hands on the first thing it says, and how it ended', async () => {
    const one = await child(`process.send(process.env.GREETING, () => process.exit(3));`);
    expect(await one.firstMessage).toBe('hello');
    expect(await one.exited).toBe('exited with code 3');
    expect(one.isGone).toBe(true);
  });

  it('notes that it ended without a word', async () => {
    const one = await child('');
    expect(await one.firstMessage).toBeUndefined();
    expect(await one.exited).toBe('exited with code 0');
  });

  it('ends on SIGTERM', async () => {
    const one = await child(`process.on('disconnect', () => {}); process.send('up');`);
    await one.firstMessage;
    await one.stop(10_000);
    expect(await one.exited).toBe('was killed by SIGTERM');
  });

  it('is killed when it does not end in time', async () => {
    const one = await child(
      `process.on('SIGTERM', () => {}).on('disconnect', () => {}); process.send('up');`,
    );
    await one.firstMessage;
    await one.stop(50);
    expect(await one.exited).toBe('was killed by SIGKILL');
  });
});
