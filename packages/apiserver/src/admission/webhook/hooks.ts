/** The webhooks of all configurations of one kind, in the order in which they are called: by configuration, then as listed. */

import { compareStrings } from '@keelson/api/codec/go-order';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { Follower } from '../../registry/follow.ts';
import type { CompileConditions, MatchConditions } from '../matching/conditions.ts';
import type { Form, Forms, FormsOf } from '../matching/forms.ts';
import { type Asked, findForm } from '../matching/rules.ts';
import { type Selectors, selectorsOf } from '../matching/selectors.ts';

export type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

export interface Hook {
  readonly configuration: string;
  readonly webhook: Webhook;
  /** The same as long as the configuration names it so: several of one name are told apart. */
  readonly id: string;
  readonly selectors: Selectors;
  readonly conditions: MatchConditions | undefined;
}

/** A webhook whose rules name a request, and the form in which it wants to see it. */
export interface Match {
  readonly hook: Hook;
  /** Its place among all. */
  readonly index: number;
  readonly form: Form;
}

export class Hooks implements Follower {
  readonly #type: 'admit' | 'validating';
  readonly #compile: CompileConditions;
  readonly #configurations = new Map<string, readonly Hook[]>();
  #inOrder: readonly Hook[] = [];
  /** Found out at the first request of a kind; forgotten when a configuration changes. */
  #matches = new WeakMap<Forms, Map<string, readonly Match[]>>();

  /** @param type what the kind of webhook is called where it is counted */
  constructor(type: 'admit' | 'validating', compile: CompileConditions) {
    this.#type = type;
    this.#compile = compile;
  }

  set(object: KubeObject): void {
    const configuration = object as TypedObject as Configuration;
    this.#configurations.set(object.metadata.name ?? '', this.#hooksOf(configuration));
    this.#changed();
  }
  delete(_namespace: string, name: string): void {
    this.#configurations.delete(name);
    this.#changed();
  }

  get empty(): boolean {
    return this.#inOrder.length === 0;
  }

  /** Those whose rules name the request; selectors and conditions are still to be asked. */
  matching(asked: Asked, formsOf: FormsOf): readonly Match[] {
    const forms = formsOf(asked.resource, asked.subresource);
    const known = this.#matches.get(forms) ?? new Map<string, readonly Match[]>();
    this.#matches.set(forms, known);
    const key = asked.namespace === '' ? asked.operation : `${asked.operation} namespaced`;
    let found = known.get(key);
    if (!found) {
      found = this.#find(asked, formsOf);
      known.set(key, found);
    }
    return found;
  }

  #find(asked: Asked, formsOf: FormsOf): Match[] {
    return this.#inOrder.flatMap((hook, index) => {
      const form = findForm(hook.webhook.rules ?? [], hook.webhook.matchPolicy, asked, formsOf);
      return form ? [{ hook, index, form }] : [];
    });
  }

  #changed(): void {
    const names = [...this.#configurations.keys()].sort(compareStrings);
    this.#inOrder = names.flatMap((name) => this.#configurations.get(name)!);
    this.#matches = new WeakMap();
  }

  #hooksOf({ metadata, webhooks }: Configuration): readonly Hook[] {
    const configuration = metadata?.name ?? '';
    const seen = new Map<string, number>();
    return (webhooks ?? []).map((webhook: Webhook) => {
      const { name } = webhook;
      const count = seen.get(name) ?? 0;
      seen.set(name, count + 1);
      return {
        configuration,
        webhook,
        id: `${configuration}/${name}/${count}`,
        selectors: selectorsOf(webhook),
        conditions: this.#conditionsOf(webhook),
      };
    });
  }

  #conditionsOf({ name, failurePolicy, matchConditions = [] }: Webhook): MatchConditions | undefined {
    if (matchConditions.length === 0) return undefined;
    const subject = { name, kind: 'webhook', type: this.#type } as const;
    return this.#compile({ conditions: matchConditions, failurePolicy, subject });
  }
}
