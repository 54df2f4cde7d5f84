import { Controller, Get, Header, Param } from '@nestjs/common';
import { RequestProblem } from '../aggregation/request-problem.js';
import { nearestName } from '../upstream/config/nearest-name.js';
import { type CompositeDetail } from './console-state.js';
import { ObservedComposites } from './observed-composites.js';

/** One composite, looked at closely. */
@Controller('console/api/composites')
export class CompositeDetailController {
  constructor(private readonly composites: ObservedComposites) {}

  @Get(':name')
  @Header('cache-control', 'no-store')
  detail(@Param('name') name: string): CompositeDetail {
    const composite = this.composites.find(name);
    if (composite !== undefined) return composite.detail();
    const nearest = nearestName(name, this.composites.names());
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    throw new RequestProblem(404, `There is no composite of that name, or it has not run yet.${hint}`);
  }
}
