/** Who answers which kind that is never stored. */
import type { SelfSubjectReview, TokenRequest, TokenReview } from '@keelson/api/generated/types/authentication/v1';
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '@keelson/api/generated/types/authorization/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { Authenticator } from '../authn/authenticator.ts';
import { reviewSelf, reviewToken } from '../authn/reviews.ts';
import { defaultTokenRequest, issueToken, type TokenIssuer } from '../authn/serviceaccount/tokenrequest.ts';
import type { Authorize, Authorizer } from '../authz/attributes.ts';
import { reviewAccess, reviewLocalAccess, reviewOwnAccess, reviewOwnRules } from '../authz/reviews.ts';
import { type BindingDeps, bindingKind } from '../registry/core/pod/binding.ts';
import { type EvictionDeps, evictionKind } from '../registry/core/pod/eviction.ts';
import type { VirtualKinds } from './virtual.ts';

export interface VirtualKindOptions {
  readonly authenticate: Authenticator;
  readonly apiAudiences: readonly string[];
  readonly authorize: Authorize;
  readonly authorizer: Pick<Authorizer, 'rulesFor'>;
  /** Undefined where the server signs no tokens. */
  readonly tokens: TokenIssuer | undefined;
  readonly pods: EvictionDeps & BindingDeps;
}

export function virtualKinds(options: VirtualKindOptions): VirtualKinds {
  const { authenticate, apiAudiences, authorize, authorizer, tokens, pods } = options;
  return {
    bindings: bindingKind(pods),
    'pods/binding': bindingKind(pods),
    'pods/eviction': evictionKind(pods),
    'tokenreviews.authentication.k8s.io': {
      create: ({ admit }, object) => reviewToken(as<TokenReview>(object), { authenticate, apiAudiences, admit }),
    },
    'selfsubjectreviews.authentication.k8s.io': {
      async create({ admit, user, now }): Promise<SelfSubjectReview> {
        await admit();
        return reviewSelf(user, now);
      },
    },
    'subjectaccessreviews.authorization.k8s.io': {
      create: (request, object) => reviewAccess(request, as<SubjectAccessReview>(object), authorize),
    },
    'selfsubjectaccessreviews.authorization.k8s.io': {
      create: (request, object) => reviewOwnAccess(request, as<SelfSubjectAccessReview>(object), authorize),
    },
    'localsubjectaccessreviews.authorization.k8s.io': {
      create: (request, object) => reviewLocalAccess(request, as<LocalSubjectAccessReview>(object), authorize),
    },
    'selfsubjectrulesreviews.authorization.k8s.io': {
      create: (request, object) => reviewOwnRules(request, as<SelfSubjectRulesReview>(object), authorizer),
    },
    ...(tokens && {
      'serviceaccounts/token': {
        keepsSystemMetadata: true,
        defaults: (object) => defaultTokenRequest(as<TokenRequest>(object)),
        create: (request, object) => issueToken(tokens, request, as<TokenRequest>(object)),
      },
    }),
  };
}

/** Decoded as the kind of its endpoint. */
function as<T extends TypedObject>(object: KubeObject): T {
  return object as TypedObject as T;
}
