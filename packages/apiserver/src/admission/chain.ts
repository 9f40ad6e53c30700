/** Plugins in order (k8s.io/apiserver/pkg/admission/chain.go): the first refusal ends it. */
import { type AdmissionAttributes, type AdmissionPlugin, resourceKey } from './plugin.ts';

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  /** Who handles which operation on which resource, found out at the first request of a kind. */
  readonly #interested = new Map<string, readonly AdmissionPlugin[]>();

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** @throws StatusError */
  async mutate(attributes: AdmissionAttributes): Promise<void> {
    const { round } = attributes;
    const plugins = this.#interestedIn(attributes);
    for (const plugin of plugins) await plugin.mutate?.(attributes);
    if (!round.again) return;
    round.number = 1;
    for (const plugin of plugins) await plugin.mutate?.(attributes);
  }

  /** @throws StatusError */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#interestedIn(attributes)) await plugin.validate?.(attributes);
  }

  #interestedIn({ operation, resource, subresource }: AdmissionAttributes): readonly AdmissionPlugin[] {
    const name = resourceKey(resource);
    const key = `${operation} ${name}/${subresource}`;
    const known = this.#interested.get(key);
    if (known) return known;
    const found = this.#plugins.filter((p) => p.handles(operation, name, subresource));
    this.#interested.set(key, found);
    return found;
  }
}
