/** Compare k8s.io/kube-aggregator/pkg/apis/apiregistration/validation. */
import { type ErrorList, invalid, notSupported, Path, required } from '@keelson/api/field';
import type {
  APIService,
  APIServiceSpec,
  APIServiceStatus,
  ServiceReference,
} from '@keelson/api/generated/types/apiregistration/v1';
import { isDNS1035Label, isDNS1123Subdomain, isPathSegmentName, isValidPortNum } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';

const MAX_GROUP_PRIORITY = 20_000;
const MAX_VERSION_PRIORITY = 1000;
const CONDITION_STATUSES = ['True', 'False', 'Unknown'];

export function validateAPIService(obj: APIService): ErrorList {
  const { group = '', version = '', groupPriorityMinimum, versionPriority } = obj.spec;
  const path = Path.of('spec');
  const errors: ErrorList = [];
  if (group === '' && version !== 'v1') {
    errors.push(required(path.child('group'), 'only v1 may have an empty group and it better be legacy kube'));
  }
  if (group !== '') errors.push(...invalidFor(path.child('group'), group, isDNS1123Subdomain(group)));
  errors.push(...invalidFor(path.child('version'), version, isDNS1035Label(version)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > MAX_GROUP_PRIORITY) {
    const at = path.child('groupPriorityMinimum');
    errors.push(invalid(at, groupPriorityMinimum, `must be positive and less than ${MAX_GROUP_PRIORITY}`));
  }
  if (versionPriority <= 0 || versionPriority > MAX_VERSION_PRIORITY) {
    const at = path.child('versionPriority');
    errors.push(invalid(at, versionPriority, `must be positive and less than ${MAX_VERSION_PRIORITY}`));
  }
  const { service } = obj.spec;
  return [...errors, ...(service ? validateRemote(obj.spec, service, path) : validateLocal(obj.spec, path))];
}

/** The name says which group and version it is of; so would a prefix of it have to. */
export function apiServiceNameProblems(name: string, { spec }: APIService): string[] {
  const problems = isPathSegmentName(name);
  if (problems.length > 0) return problems;
  const wanted = `${spec.version ?? ''}.${spec.group ?? ''}`;
  return name === wanted ? [] : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`];
}

function validateLocal({ caBundle, insecureSkipTLSVerify }: APIServiceSpec, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (caBundle) {
    const size = `${Buffer.from(caBundle, 'base64').length} bytes`;
    errors.push(invalid(path.child('caBundle'), size, 'local APIServices may not have a caBundle'));
  }
  if (insecureSkipTLSVerify) {
    const at = path.child('insecureSkipTLSVerify');
    errors.push(invalid(at, true, 'local APIServices may not have insecureSkipTLSVerify'));
  }
  return errors;
}

function validateRemote(spec: APIServiceSpec, service: ServiceReference, path: Path): ErrorList {
  const at = path.child('service');
  const { namespace, name, port = 0 } = service;
  const errors: ErrorList = [];
  if (!namespace) errors.push(required(at.child('namespace'), ''));
  if (!name) errors.push(required(at.child('name'), ''));
  const problems = isValidPortNum(port);
  if (problems.length > 0) errors.push(invalid(at.child('port'), port, `port is not valid: ${problems.join(', ')}`));
  if (spec.insecureSkipTLSVerify && spec.caBundle) {
    errors.push(invalid(path.child('insecureSkipTLSVerify'), true, 'may not be true if caBundle is present'));
  }
  return errors;
}

export function validateAPIServiceStatus(status: APIServiceStatus, path: Path): ErrorList {
  return (status.conditions ?? []).flatMap((condition, i) =>
    CONDITION_STATUSES.includes(condition.status)
      ? []
      : [notSupported(path.child('conditions').index(i).child('status'), condition.status, CONDITION_STATUSES)],
  );
}
