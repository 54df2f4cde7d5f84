import { type Socket } from 'node:net';

/** What the sockets of a pool have carried since the pool was made. */
export interface WireTrafficSnapshot {
  readonly openConnections: number;
  /** Connections opened so far, those that are closed again included. */
  readonly openedConnections: number;
  /** Heads and bodies as they were written; in TLS, before they were encrypted. */
  readonly sentBytes: number;
  /** Heads and bodies as they were read, so before bodies were unpacked; in TLS, decrypted. */
  readonly receivedBytes: number;
}

/** Adds up what sockets have carried. They count by themselves: it costs nothing until somebody asks. */
export class WireTraffic {
  private readonly open = new Set<Socket>();
  private opened = 0;
  /** Of sockets that are closed. */
  private sentBefore = 0;
  private receivedBefore = 0;

  /** Counts what this socket, which has just been opened, will carry. */
  watch(socket: Socket): void {
    this.opened++;
    this.open.add(socket);
    socket.once('close', () => {
      this.open.delete(socket);
      this.sentBefore += socket.bytesWritten;
      this.receivedBefore += socket.bytesRead;
    });
  }

  snapshot(): WireTrafficSnapshot {
    let sentBytes = this.sentBefore;
    let receivedBytes = this.receivedBefore;
    for (const socket of this.open) {
      sentBytes += socket.bytesWritten;
      receivedBytes += socket.bytesRead;
    }
    return { openConnections: this.open.size, openedConnections: this.opened, sentBytes, receivedBytes };
  }
}
