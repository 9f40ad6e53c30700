/** Which pods an autoscaler looks at: those that its target selects (validateAndParseSelector in horizontal.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type LabelSelector, parseLabelSelector } from '@keelson/api/selectors/labels';
import type { Lister } from '@keelson/client';

/** Why there are no pods that are the autoscaler's alone. */
export interface Refusal {
  /** Of the event, whose message is this one's. */
  readonly event: string;
  /** Of the condition. */
  readonly reason: string;
  readonly message: string;
  /** What the condition says, where it is not the message. */
  readonly why?: string;
}

export class Selections {
  readonly #pods: Pick<Lister<Pod>, 'list'>;
  /** What autoscalers' targets select, as last seen, by `namespace/name` of the autoscaler. */
  readonly #selectors = new Map<string, LabelSelector>();

  constructor(pods: Pick<Lister<Pod>, 'list'>) {
    this.#pods = pods;
  }

  /**
   * @param key `namespace/name` of the autoscaler
   * @param text the selector of its target's scale
   */
  select(key: string, text: string): { readonly pods: readonly Pod[] } | { readonly refusal: Refusal } {
    if (text === '') {
      const why = "the HPA target's scale is missing a selector";
      return refused('SelectorRequired', 'InvalidSelector', 'selector is required', why);
    }
    let selector: LabelSelector;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      const why = (error as Error).message;
      const message = `couldn't convert selector into a corresponding internal selector object: ${why}`;
      return refused('InvalidSelector', 'InvalidSelector', message);
    }
    this.#selectors.set(key, selector);
    const [namespace] = key.split('/') as [string];
    const pods = this.#pods.list(namespace).filter(({ metadata }) => selector.matches(metadata.labels ?? {}));
    const all = [...this.#selectors].filter(
      ([other, its]) =>
        other.startsWith(`${namespace}/`) && pods.some(({ metadata }) => its.matches(metadata.labels ?? {})),
    );
    if (all.length <= 1) return { pods };
    const names = all.map(([other]) => `{${other.split('/')[1]} ${namespace}}`).sort();
    const message = `pods by selector ${text} are controlled by multiple HPAs: [${names.join(' ')}]`;
    return refused('AmbiguousSelector', 'AmbiguousSelector', message);
  }

  /** The autoscaler is no more: its pods may be another's. */
  forget(key: string): void {
    this.#selectors.delete(key);
  }
}

function refused(event: string, reason: string, message: string, why?: string): { readonly refusal: Refusal } {
  return { refusal: { event, reason, message, ...(why === undefined ? {} : { why }) } };
}
