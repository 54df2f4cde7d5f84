import { TerminusModule } from '@nestjs/terminus';

/** Silent: terminus would log each failed check each time it is asked for; we log the transitions. */
export const terminus = TerminusModule.forRoot({ logger: false });
