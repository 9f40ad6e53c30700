/** Compare pkg/apis/flowcontrol/validation: ValidateFlowSchema. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, notSupported, Path, required } from '@keelson/api/field';
import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  ServiceAccountSubject,
  Subject,
} from '@keelson/api/generated/types/flowcontrol/v1';
import { nameIsDNSLabel, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateConditions } from '../conditions.ts';
import { mandatoryFlowSchema } from '../mandatory.ts';

const MAX_PRECEDENCE = 10_000;
const METHODS = ['ByNamespace', 'ByUser'];
const FLOW_SCHEMA_SPEC = 'io.k8s.api.flowcontrol.v1.FlowSchemaSpec';
const DISTINGUISHER = 'io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod';
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

export function validateFlowSchema(obj: FlowSchema): ErrorList {
  const name = obj.metadata.name ?? '';
  const path = Path.of('spec');
  const mandatory = mandatoryFlowSchema(name);
  return [
    ...validateSpec(name, obj.spec, path),
    ...(mandatory && !semanticEqual(obj.spec, mandatory.spec)
      ? [invalid(path, internalValue(FLOW_SCHEMA_SPEC, obj.spec), `spec of '${name}' must equal the fixed value`)]
      : []),
    ...validateConditions(obj),
  ];
}

function validateSpec(name: string, spec: FlowSchemaSpec, path: Path): ErrorList {
  const errors: ErrorList = [];
  const { matchingPrecedence: precedence, distinguisherMethod: method, priorityLevelConfiguration: level } = spec;
  const at = path.child('matchingPrecedence');
  if (precedence <= 0) errors.push(invalid(at, precedence, 'must be a positive value'));
  if (precedence > MAX_PRECEDENCE) errors.push(invalid(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`));
  if (precedence === 1 && name !== 'exempt') {
    errors.push(invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (method && !METHODS.includes(method.type)) {
    errors.push(notSupported(path.child('distinguisherMethod', 'type'), internalValue(DISTINGUISHER, method), METHODS));
  }
  const levelPath = path.child('priorityLevelConfiguration', 'name');
  if (level.name === '') errors.push(required(levelPath, 'must reference a priority level'));
  else errors.push(...invalidFor(levelPath, level.name, nameIsDNSSubdomain(level.name, false)));
  for (const [i, rule] of (spec.rules ?? []).entries())
    errors.push(...validateRules(rule, path.child('rules').index(i)));
  return errors;
}

function validateRules({ subjects, resourceRules, nonResourceRules }: PolicyRulesWithSubjects, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (!subjects?.length) errors.push(required(path.child('subjects'), 'subjects must contain at least one value'));
  for (const [i, subject] of (subjects ?? []).entries()) {
    errors.push(...validateSubject(subject, path.child('subjects').index(i)));
  }
  if (!resourceRules?.length && !nonResourceRules?.length) {
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  for (const [i, rule] of (resourceRules ?? []).entries()) {
    errors.push(...validateResourceRule(rule, path.child('resourceRules').index(i)));
  }
  for (const [i, rule] of (nonResourceRules ?? []).entries()) {
    errors.push(...validateNonResourceRule(rule, path.child('nonResourceRules').index(i)));
  }
  return errors;
}

const SUBJECT_FIELDS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function validateSubject(subject: Subject, path: Path): ErrorList {
  const own = SUBJECT_FIELDS[subject.kind as keyof typeof SUBJECT_FIELDS];
  if (!own) return [notSupported(path.child('kind'), subject.kind, SUBJECT_KINDS)];
  const errors = [...validateSubjectName(subject, own, path.child(own))];
  for (const [kind, other] of FORBIDDEN_ORDER[own]) {
    if (subject[other]) {
      errors.push(forbidden(path.child(other), `${other} is forbidden when subject kind is not '${kind}'`));
    }
  }
  return errors;
}

type SubjectField = (typeof SUBJECT_FIELDS)[keyof typeof SUBJECT_FIELDS];

/** Which others each kind forbids, in the order in which they are looked at. */
const FORBIDDEN_ORDER: Readonly<Record<SubjectField, readonly (readonly [string, SubjectField])[]>> = {
  serviceAccount: [
    ['User', 'user'],
    ['Group', 'group'],
  ],
  user: [
    ['ServiceAccount', 'serviceAccount'],
    ['Group', 'group'],
  ],
  group: [
    ['ServiceAccount', 'serviceAccount'],
    ['User', 'user'],
  ],
};

function validateSubjectName(subject: Subject, own: SubjectField, path: Path): ErrorList {
  const reference = subject[own];
  if (!reference) return [required(path, `${own} is required when subject kind is '${subject.kind}'`)];
  if (own === 'serviceAccount') return validateServiceAccount(reference as ServiceAccountSubject, path);
  return reference.name === '' ? [required(path.child('name'))] : [];
}

function validateServiceAccount({ name, namespace }: ServiceAccountSubject, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (name === '') errors.push(required(path.child('name')));
  else if (name !== '*') errors.push(...invalidFor(path.child('name'), name, nameIsDNSSubdomain(name, false)));
  if (namespace === '') errors.push(required(path.child('namespace'), 'must specify namespace for service account'));
  else errors.push(...invalidFor(path.child('namespace'), namespace, nameIsDNSLabel(namespace, false)));
  return errors;
}

function validateResourceRule(rule: ResourcePolicyRule, path: Path): ErrorList {
  const groups = rule.apiGroups ?? [];
  const resources = rule.resources ?? [];
  const namespaces = rule.namespaces ?? [];
  const errors = validateVerbs(rule.verbs ?? [], path.child('verbs'));
  const groupsPath = path.child('apiGroups');
  if (groups.length === 0) errors.push(required(groupsPath, 'resource rules must supply at least one api group'));
  else errors.push(...onlyWildcard(groups, groupsPath, 'api groups'));
  const resourcesPath = path.child('resources');
  if (resources.length === 0) errors.push(required(resourcesPath, 'resource rules must supply at least one resource'));
  else errors.push(...onlyWildcard(resources, resourcesPath, 'resources'));
  const namespacesPath = path.child('namespaces');
  if (namespaces.length === 0 && !rule.clusterScope) {
    const why = 'resource rules that are not cluster scoped must supply at least one namespace';
    errors.push(required(namespacesPath, why));
  } else if (namespaces.includes('*')) errors.push(...onlyWildcard(namespaces, namespacesPath, 'namespaces'));
  else {
    for (const [i, namespace] of namespaces.entries()) {
      const problems = nameIsDNSLabel(namespace, false).map(
        (p) => `each member of this list must be '*' or a DNS-1123 label; ${p}`,
      );
      errors.push(...invalidFor(namespacesPath.index(i), namespace, problems));
    }
  }
  return errors;
}

function validateNonResourceRule(rule: NonResourcePolicyRule, path: Path): ErrorList {
  const urls = rule.nonResourceURLs ?? [];
  const at = path.child('nonResourceURLs');
  const errors = validateVerbs(rule.verbs ?? [], path.child('verbs'));
  if (urls.length === 0) errors.push(required(at, 'nonResourceURLs must contain at least one value'));
  else if (urls.includes('*')) errors.push(...onlyWildcard(urls, at, 'non-resource URLs'));
  else for (const [i, url] of urls.entries()) errors.push(...validateUrl(url, at.index(i)));
  return errors;
}

function validateUrl(url: string, path: Path): ErrorList {
  if (url === '') return [invalid(path, url, 'must not be empty')];
  if (url === '/') return [];
  if (!url.startsWith('/')) return [invalid(path, url, 'must start with slash')];
  if (url.includes(' ')) return [invalid(path, url, 'must not contain white-space')];
  if (url.includes('//')) return [invalid(path, url, 'must not contain double slash')];
  const wildcards = url.split('*').length - 1;
  const isSuffix = wildcards === 0 || (wildcards === 1 && url.endsWith('/*'));
  return isSuffix ? [] : [invalid(path, url, 'wildcard can only do suffix matching')];
}

function validateVerbs(verbs: readonly string[], path: Path): ErrorList {
  if (verbs.length === 0) return [required(path, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return onlyWildcard(verbs, path, 'verbs');
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [notSupported(path, verbs, VERBS)];
}

function onlyWildcard(values: readonly string[], path: Path, what: string): ErrorList {
  if (values.length < 2 || !values.includes('*')) return [];
  return [invalid(path, values, `if '*' is present, must not specify other ${what}`)];
}
