import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { whenServed } from './when-served.js';

/**
 * Ends keep-alive connections with the last answer they carry while the server closes. Node closes those that are
 * idle when closing begins; one that was busy would stay open, and hold up the shutdown, until its client goes away.
 */
@Injectable()
export class ConnectionDraining {
  private closing = false;

  constructor(host: HttpAdapterHost) {
    whenServed(host, (fastify) => {
      this.watch(fastify);
    });
  }

  private watch(fastify: FastifyInstance): void {
    fastify.addHook('preClose', (done) => {
      this.closing = true;
      done();
    });
    fastify.addHook('onSend', (request, reply, payload, done) => {
      if (this.closing) reply.header('connection', 'close');
      else if (payload instanceof Readable) this.watchStream(request, reply);
      done(null, payload);
    });
  }

  /** What is sent bit by bit may see closing begin when its head has long been sent. */
  private watchStream({ raw: { socket } }: FastifyRequest, { raw: response }: FastifyReply): void {
    response.once('finish', () => {
      if (this.closing) socket.end();
    });
  }
}
