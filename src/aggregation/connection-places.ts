import { type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type Admission } from '../resilience/admission.js';

/** The places that the requests of one connection hold. */
interface Connection {
  held: number;
}

/**
 * Gives each place back once, with the response it was taken for or with its connection, whichever ends first. The
 * responses of pipelined requests wait in line for the connection, and hear nothing when it ends before their turn.
 */
export class ConnectionPlaces {
  private readonly connections = new WeakMap<Socket, Connection>();

  constructor(private readonly admission: Admission) {}

  /** Keeps a place that was taken for a response of this connection. */
  hold(socket: Socket, response: ServerResponse): void {
    const connection = this.connectionOf(socket);
    connection.held++;
    response.once('close', () => {
      this.release(connection, 1);
    });
    if (socket.destroyed) this.release(connection, connection.held);
  }

  private connectionOf(socket: Socket): Connection {
    const known = this.connections.get(socket);
    if (known !== undefined) return known;
    const connection: Connection = { held: 0 };
    this.connections.set(socket, connection);
    socket.once('close', () => {
      this.release(connection, connection.held);
    });
    return connection;
  }

  private release(connection: Connection, places: number): void {
    // A response that closes after its connection finds its place given back already.
    for (let left = Math.min(places, connection.held); left > 0; left--) {
      connection.held--;
      this.admission.release();
    }
  }
}
