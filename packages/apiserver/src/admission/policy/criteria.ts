/** Which requests a policy or a binding is about (plugin/policy/matching, generic/policy_matcher.go). */
import type { MatchResources, NamedRuleWithOperations } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Form, FormsOf } from '../matching/forms.ts';
import { type Asked, findForm } from '../matching/rules.ts';
import { type Selectors, selectorsOf, selects } from '../matching/selectors.ts';
import type { AdmissionAttributes, AdmissionWorld } from '../plugin.ts';

export class Criteria {
  readonly #match: MatchResources;
  readonly #selectors: Selectors;

  constructor(match: MatchResources) {
    this.#match = match;
    this.#selectors = selectorsOf(match);
  }

  /** False for requests that no name, label or exclusion could make a match of. */
  mayMatch(asked: Asked, formsOf: FormsOf): boolean {
    const { resourceRules: rules = [], matchPolicy } = this.#match;
    return rules.length === 0 || findForm(rules, matchPolicy, asked, formsOf) !== undefined;
  }

  /**
   * The form in which the request matches; undefined: it does not.
   * @throws StatusError for a selector that can't be read or a namespace that is not there
   */
  async match(
    attributes: AdmissionAttributes,
    world: Pick<AdmissionWorld, 'objects' | 'formsOf'>,
  ): Promise<Form | undefined> {
    const { resourceRules: rules = [], excludeResourceRules: excluded = [], matchPolicy } = this.#match;
    const { formsOf, objects } = world;
    const isNamed = ({ resourceNames: names }: NamedRuleWithOperations): boolean =>
      !names?.length || names.includes(attributes.name);
    if (findForm(excluded, matchPolicy, attributes, formsOf, isNamed)) return undefined;
    const form =
      rules.length === 0
        ? formsOf(attributes.resource, attributes.subresource).own
        : findForm(rules, matchPolicy, attributes, formsOf, isNamed);
    if (!form) return undefined;
    return (await selects(this.#selectors, attributes, attributes.object, objects)) ? form : undefined;
  }
}
