/** A FlowSchema in use: what all requests of its class have in common. */
import type { FlowSchema } from '@keelson/api/generated/types/flowcontrol/v1';
import type { ResponseHeaders } from '../http/exchange.ts';
import { deal, flowHash } from './dealer.ts';
import type { PriorityLevel } from './level.ts';
import type { Asked, Flow, Tally } from './request.ts';

/** Hands are dealt anew beyond that. */
const MAX_FLOWS = 10_000;
const NO_FLOW: Flow = { distinguisher: '', hand: [] };

export class FlowClass {
  readonly schema: FlowSchema;
  readonly level: PriorityLevel;
  readonly tally: Tally;
  /** What every answer says: by UID, so that names which tell of an administrator's thoughts are not given away. */
  readonly headers: ResponseHeaders;
  readonly #flows = new Map<string, Flow>();

  constructor(schema: FlowSchema, level: PriorityLevel, tally: Tally) {
    this.schema = schema;
    this.level = level;
    this.tally = tally;
    this.headers = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.object.metadata.uid ?? '',
    };
  }

  get name(): string {
    return this.schema.metadata.name ?? '';
  }

  flowOf(asked: Asked): Flow {
    const { discipline } = this.level;
    if (discipline.kind !== 'queue') return NO_FLOW;
    const distinguisher = discipline.queues > 1 ? this.#distinguisher(asked) : '';
    let flow = this.#flows.get(distinguisher);
    if (flow === undefined) {
      const hash = discipline.queues > 1 ? flowHash(this.name, distinguisher) : 0n;
      flow = { distinguisher, hand: deal(hash, discipline.queues, discipline.handSize) };
      if (this.#flows.size >= MAX_FLOWS) this.#flows.clear();
      this.#flows.set(distinguisher, flow);
    }
    return flow;
  }

  #distinguisher({ user, info }: Asked): string {
    switch (this.schema.spec.distinguisherMethod?.type) {
      case 'ByUser':
        return user.name;
      case 'ByNamespace':
        return info.namespace;
      default:
        return '';
    }
  }
}
