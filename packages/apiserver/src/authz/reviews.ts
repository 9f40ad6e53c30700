/**
 * SubjectAccessReview, its Self and Local forms, and SelfSubjectRulesReview: may somebody do something, and what may I
 * do (pkg/registry/authorization). Each fills in the status of what it is given.
 */
import { normalize } from '@keelson/api/codec/json';
import { badRequest, invalid } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '@keelson/api/generated/types/authorization/v1';
import type { FieldSelectorRequirement, LabelSelectorRequirement } from '@keelson/api/generated/types/meta/v1';
import { structType } from '@keelson/api/schema';
import type { FieldRequirement } from '@keelson/api/selectors/fields';
import type { LabelOperator, LabelRequirement } from '@keelson/api/selectors/labels';
import { isQualifiedName, isValidLabelValue } from '@keelson/api/validation/names';
import type { UserInfo } from '../registry/strategy.ts';
import {
  type Attributes,
  type Authorize,
  type Authorizer,
  nonResourceAttributes,
  resourceAttributes,
  type SelectorAttribute,
} from './attributes.ts';
import { fieldRequirements, labelRequirements } from './selectors.ts';

export interface ReviewContext {
  readonly user: UserInfo;
  /** Of the request's path. */
  readonly namespace: string;
  /** Validating admission, called after the review's own validation. @throws StatusError */
  readonly admit: () => Promise<void>;
}

/** @throws StatusError 422 */
export async function reviewAccess(
  ctx: ReviewContext,
  review: SubjectAccessReview,
  authorize: Authorize,
): Promise<SubjectAccessReview> {
  check([...subjectErrors(review.spec), ...metadataErrors(review, 'must be empty', [])]);
  await ctx.admit();
  review.status = await decide(authorize, userOf(review.spec), review.spec);
  return review;
}

/** @throws StatusError 422 */
export async function reviewOwnAccess(
  ctx: ReviewContext,
  review: SelfSubjectAccessReview,
  authorize: Authorize,
): Promise<SelfSubjectAccessReview> {
  check([
    ...eitherErrors(review.spec),
    ...resourceErrors(review.spec.resourceAttributes),
    ...metadataErrors(review, 'must be empty', []),
  ]);
  await ctx.admit();
  review.status = await decide(authorize, ctx.user, review.spec);
  return review;
}

/** @throws StatusError 400, 422 */
export async function reviewLocalAccess(
  ctx: ReviewContext,
  review: LocalSubjectAccessReview,
  authorize: Authorize,
): Promise<LocalSubjectAccessReview> {
  const { spec, metadata } = review;
  check([
    ...subjectErrors(spec),
    ...metadataErrors(review, 'must be empty except for namespace', ['namespace']),
    ...localErrors(spec, metadata.namespace ?? ''),
  ]);
  if (ctx.namespace !== metadata.namespace)
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${ctx.namespace}`);
  await ctx.admit();
  review.status = await decide(authorize, userOf(spec), spec);
  return review;
}

/** A new object, without the spec. @throws StatusError 400 without a namespace */
export async function reviewOwnRules(
  ctx: ReviewContext,
  review: SelfSubjectRulesReview,
  authorizer: Pick<Authorizer, 'rulesFor'>,
): Promise<SelfSubjectRulesReview> {
  const { namespace } = review.spec;
  if (!namespace) throw badRequest('no namespace on request');
  await ctx.admit();
  const { resourceRules, nonResourceRules, incomplete, error } = authorizer.rulesFor(ctx.user, namespace);
  return {
    kind: 'SelfSubjectRulesReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: {},
    status: {
      resourceRules: resourceRules.map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs: [...verbs],
        ...(apiGroups.length ? { apiGroups: [...apiGroups] } : {}),
        ...(resources.length ? { resources: [...resources] } : {}),
        ...(resourceNames.length ? { resourceNames: [...resourceNames] } : {}),
      })),
      nonResourceRules: nonResourceRules.map(({ verbs, nonResourceURLs }) => ({
        verbs: [...verbs],
        ...(nonResourceURLs.length ? { nonResourceURLs: [...nonResourceURLs] } : {}),
      })),
      incomplete,
      ...(error ? { evaluationError: error.message } : {}),
    },
  };
}

interface Asked {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

async function decide(authorize: Authorize, user: UserInfo, asked: Asked): Promise<SubjectAccessReviewStatus> {
  const attributes = attributesOf(user, asked);
  const { decision, reason, error } = await authorize(attributes);
  const problems = [error?.message, ...selectorProblems(attributes)].filter((p) => p !== undefined);
  return {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(problems.length ? { evaluationError: problems.join('; ') } : {}),
  };
}

function userOf({ user = '', groups = [], uid = '', extra = {} }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, uid, groups, extra };
}

function attributesOf(user: UserInfo, { resourceAttributes: r, nonResourceAttributes: n }: Asked): Attributes {
  if (!r) return nonResourceAttributes(user, n?.verb ?? '', n?.path ?? '');
  const { fieldSelector: fields, labelSelector: labels } = r;
  return resourceAttributes({
    user,
    verb: r.verb ?? '',
    namespace: r.namespace ?? '',
    apiGroup: r.group ?? '',
    apiVersion: r.version || '*',
    resource: r.resource ?? '',
    subresource: r.subresource ?? '',
    name: r.name ?? '',
    ...(fields && {
      fieldSelector: fields.requirements?.length
        ? ofFields(fields.requirements)
        : fieldRequirements(fields.rawSelector ?? ''),
    }),
    ...(labels && {
      labelSelector: labels.requirements?.length
        ? ofLabels(labels.requirements)
        : labelRequirements(labels.rawSelector ?? ''),
    }),
  });
}

/** Requirements that are not understood are left out. */
function ofFields(given: readonly FieldSelectorRequirement[]): SelectorAttribute<FieldRequirement> {
  const operators: Readonly<Record<string, '=' | '!='>> = { In: '=', NotIn: '!=' };
  const requirements = given.flatMap(({ key, operator, values }): FieldRequirement[] => {
    const known = operators[operator];
    return known && values?.length === 1 ? [{ field: key, operator: known, value: values[0]! }] : [];
  });
  return partial(requirements, given.length, 'field');
}

function ofLabels(given: readonly LabelSelectorRequirement[]): SelectorAttribute<LabelRequirement> {
  const operators: Readonly<Record<string, LabelOperator>> = {
    In: 'in',
    NotIn: 'notin',
    Exists: 'exists',
    DoesNotExist: '!',
  };
  const requirements = given.flatMap(({ key, operator, values }): LabelRequirement[] => {
    const known = operators[operator];
    return known ? [{ key, operator: known, values: values ?? [] }] : [];
  });
  return partial(requirements, given.length, 'label');
}

function partial<R>(requirements: R[], given: number, what: string): SelectorAttribute<R> {
  const parseError = new Error(`${given - requirements.length} ${what} requirements are not understood`);
  return { requirements, ...(requirements.length < given ? { parseError } : {}) };
}

function selectorProblems({ fieldSelector, labelSelector }: Attributes): string[] {
  const problem = (name: string, selector: SelectorAttribute<unknown> | undefined): string[] =>
    selector?.parseError
      ? [
          `spec.resourceAttributes.${name} ${selector.requirements.length ? 'partially ' : ''}ignored due to parse error`,
        ]
      : [];
  return [...problem('fieldSelector', fieldSelector), ...problem('labelSelector', labelSelector)];
}

/** Upstream's kind is empty here, and so it is in the message. */
function check(errors: field.ErrorList): void {
  if (errors.length > 0) throw invalid('authorization.k8s.io', '', '', errors);
}

const SPEC = field.Path.of('spec');

function subjectErrors(spec: SubjectAccessReviewSpec): field.ErrorList {
  const nobody = !spec.user && !spec.groups?.length;
  const message = 'at least one of user or group must be specified';
  return [
    ...eitherErrors(spec),
    ...(nobody ? [field.invalid(SPEC.child('user'), spec.user ?? '', message)] : []),
    ...resourceErrors(spec.resourceAttributes),
  ];
}

function eitherErrors({ resourceAttributes: r, nonResourceAttributes: n }: Asked): field.ErrorList {
  if (r && n)
    return [
      field.invalid(
        SPEC.child('nonResourceAttributes'),
        shown(n),
        'cannot be specified in combination with resourceAttributes',
      ),
    ];
  if (!r && !n)
    return [
      field.invalid(
        SPEC.child('resourceAttributes'),
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    ];
  return [];
}

function localErrors({ resourceAttributes: r, nonResourceAttributes: n }: Asked, namespace: string): field.ErrorList {
  const errors: field.ErrorList = [];
  if (r && (r.namespace ?? '') !== namespace)
    errors.push(
      field.invalid(
        field.Path.of('spec.resourceAttributes.namespace'),
        r.namespace ?? '',
        'must match metadata.namespace',
      ),
    );
  if (n)
    errors.push(
      field.invalid(field.Path.of('spec.nonResourceAttributes'), shown(n), 'disallowed on this kind of request'),
    );
  return errors;
}

/** Go's internal type has no JSON names. */
function shown({ path = '', verb = '' }: NonResourceAttributes): object {
  return { Path: path, Verb: verb };
}

const OBJECT_META = structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

function metadataErrors(
  { metadata }: { metadata: object },
  message: string,
  allowed: readonly string[],
): field.ErrorList {
  const others = Object.keys(metadata).filter((key) => key !== 'managedFields' && !allowed.includes(key));
  return others.length ? [field.invalid(field.Path.of('metadata'), normalize(metadata, OBJECT_META), message)] : [];
}

function resourceErrors(attributes: ResourceAttributes | undefined): field.ErrorList {
  const path = SPEC.child('resourceAttributes');
  return [
    ...selectorErrors(attributes?.fieldSelector, path.child('fieldSelector'), fieldRequirementErrors),
    ...selectorErrors(attributes?.labelSelector, path.child('labelSelector'), labelRequirementErrors),
  ];
}

function selectorErrors<R>(
  selector: { rawSelector?: string; requirements?: R[] } | undefined,
  path: field.Path,
  each: (requirement: R, path: field.Path) => field.ErrorList,
): field.ErrorList {
  if (!selector) return [];
  const { rawSelector = '', requirements = [] } = selector;
  const errors: field.ErrorList = [];
  if (rawSelector !== '' && requirements.length > 0)
    errors.push(
      field.invalid(path.child('rawSelector'), rawSelector, 'may not specified at the same time as requirements'),
    );
  if (rawSelector === '' && requirements.length === 0)
    errors.push(
      field.required(path.child('requirements'), `when ${path} is specified, requirements or rawSelector is required`),
    );
  return [...errors, ...requirements.flatMap((r, i) => each(r, path.child('requirements').index(i)))];
}

function fieldRequirementErrors(r: FieldSelectorRequirement, path: field.Path): field.ErrorList {
  const missing = r.key === '' ? [field.required(path.child('key'), 'must be specified')] : [];
  return [...missing, ...valueCountErrors(r.operator, r.values ?? [], path)];
}

function labelRequirementErrors(
  { key, operator, values = [] }: LabelSelectorRequirement,
  path: field.Path,
): field.ErrorList {
  return [
    ...valueCountErrors(operator, values, path),
    ...isQualifiedName(key).map((m) => field.invalid(path.child('key'), key, m)),
    ...values.flatMap((v, i) => isValidLabelValue(v).map((m) => field.invalid(path.child('values').index(i), v, m))),
  ];
}

/** Operators that are not known are let through: newer clients may know them. */
function valueCountErrors(operator: string, values: readonly string[], path: field.Path): field.ErrorList {
  const at = path.child('values');
  if (['In', 'NotIn'].includes(operator) && values.length === 0)
    return [field.required(at, "must be specified when `operator` is 'In' or 'NotIn'")];
  if (['Exists', 'DoesNotExist'].includes(operator) && values.length > 0)
    return [field.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
  return [];
}
