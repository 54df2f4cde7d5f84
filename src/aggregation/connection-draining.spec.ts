import { Controller, Get } from '@nestjs/common';
import { aggregate } from './aggregate.js';
import { required } from './part.js';
import { eventually } from './testing/eventually.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { TestGateway } from './testing/test-gateway.js';

let part: ScriptedSource;

@Controller()
class TestController {
  @Get('slow')
  slow(): unknown {
    return aggregate({ part: required(part.source) });
  }
}

describe('a server that closes', () => {
  it('answers what it has begun, and ends the connection with it', async () => {
    part = new ScriptedSource();
    const gateway = await TestGateway.start({ controllers: [TestController] });
    const answer = gateway.send('GET /slow HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n');
    await eventually(() => part.waiting === 1);
    let stopped = false;
    const stop = gateway.stop().then(() => (stopped = true));
    // It no longer listens; what was begun is still running.
    await eventually(() => !gateway.app.getHttpServer().listening);
    expect(stopped).toBe(false);
    part.answer('at last');
    expect(await answer).toMatchObject({
      status: 200,
      text: '{"part":"at last"}',
      headers: { connection: 'close' },
    });
    await stop;
  });

  it('keeps connections until then', async () => {
    part = new ScriptedSource();
    const gateway = await TestGateway.start({ controllers: [TestController] });
    const answer = gateway.ask('/slow');
    await eventually(() => part.waiting === 1);
    part.answer('now');
    expect((await answer).headers).toMatchObject({ connection: 'keep-alive' });
    await gateway.stop();
  });
});
