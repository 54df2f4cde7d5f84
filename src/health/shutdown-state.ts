import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * Whether the gateway is on its way out. From the first moment on it is no longer ready, while it still serves: so
 * whoever balances load has the grace period to notice before connections are refused.
 */
@Injectable()
export class ShutdownState implements OnModuleDestroy {
  private hasBegun = false;

  get begun(): boolean {
    return this.hasBegun;
  }

  /** The gateway stops being ready. Call it on the signal, before the grace period; a second call changes nothing. */
  begin(): void {
    this.hasBegun = true;
  }

  /** An application that is closed without a signal is no longer ready either. */
  onModuleDestroy(): void {
    this.begin();
  }
}
