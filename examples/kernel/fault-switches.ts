import { type IncomingMessage } from 'node:http';
import { jsonPayload, type Payload } from './delivery.js';
import { FaultPlan } from './fault-plan.js';
import { parseFaults } from './faults.js';
import { readJson } from './request-body.js';
import { wrongVerb } from './router.js';

/** Holds the current faults and answers `GET`, `PUT` and `DELETE /faults`. */
export class FaultSwitches {
  /** What is switched on now. */
  plan = new FaultPlan();

  /** @throws {Refusal} 400 for faults it does not know, 405 for another verb. */
  async answer(request: IncomingMessage): Promise<Payload> {
    const { method = 'GET' } = request;
    switch (method) {
      case 'GET':
      case 'HEAD':
        return jsonPayload(200, this.plan.faults);
      case 'PUT':
        this.change(new FaultPlan(parseFaults(await readJson(request))));
        return jsonPayload(200, this.plan.faults);
      case 'DELETE':
        this.change(new FaultPlan());
        return jsonPayload(204, undefined);
      default:
        throw wrongVerb(method, ['GET', 'PUT', 'DELETE']);
    }
  }

  /** The new plan is in force before the old one lets its requests go. */
  private change(plan: FaultPlan): void {
    const before = this.plan;
    this.plan = plan;
    before.end();
  }
}
