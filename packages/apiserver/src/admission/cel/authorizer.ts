/** `authorizer` in the expressions of one request: what its user may do, each question asked once. */
import {
  type AuthorizationAnswer,
  type AuthorizationQuery,
  authorizerValue,
  resourceCheckValue,
  type Value,
} from '@keelson/cel';
import { serviceAccountUser } from '../../authn/serviceaccount/names.ts';
import {
  type Attributes,
  type Authorize,
  type Decision,
  nonResourceAttributes,
  resourceAttributes,
} from '../../authz/attributes.ts';
import { selectorAttributes } from '../../authz/selectors.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import type { AdmissionAttributes } from '../plugin.ts';

export class RequestAuthorizer {
  readonly #attributes: AdmissionAttributes;
  readonly #authorize: Authorize;
  #variables: Readonly<Record<string, Value>> | undefined;

  constructor(attributes: AdmissionAttributes, authorize: Authorize) {
    this.#attributes = attributes;
    this.#authorize = authorize;
  }

  get variables(): Readonly<Record<string, Value>> {
    this.#variables ??= this.#make();
    return this.#variables;
  }

  #make(): Readonly<Record<string, Value>> {
    const { user, resource, subresource, namespace, name } = this.#attributes;
    const authorizer = authorizerValue((query) => {
      const decision = this.#authorize(attributesOf(query, user));
      return decision instanceof Promise ? decision.then(answerOf) : answerOf(decision);
    });
    const check = { group: resource.group, resource: resource.resource, subresource, namespace, name };
    return { authorizer, 'authorizer.requestResource': resourceCheckValue(authorizer, check) };
  }
}

function answerOf({ decision, reason, error }: Decision): AuthorizationAnswer {
  return { allowed: decision === 'allow', reason, ...(error ? { error: error.message } : {}) };
}

function attributesOf({ serviceAccount, verb, path, resource }: AuthorizationQuery, user: UserInfo): Attributes {
  const asker = serviceAccount ? serviceAccountUser({ ...serviceAccount, uid: '' }) : user;
  if (!resource) return nonResourceAttributes(asker, verb, path ?? '');
  const { group, fieldSelector, labelSelector, ...names } = resource;
  return resourceAttributes({
    user: asker,
    verb,
    apiGroup: group,
    apiVersion: '*',
    ...names,
    ...selectorAttributes(fieldSelector, labelSelector),
  });
}
