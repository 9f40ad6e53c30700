/** What objects say of their kind, where that is not what was expected: in upstream's words (apimachinery's runtime.Scheme). */
import { quote } from '@keelson/api/field';
import { apiVersionOf, parseApiVersion } from '@keelson/api/object';
import { type StructType, typeOfKind } from '@keelson/api/schema';
import type { ObjectForm } from './form.ts';

/** Where the scheme that lacks a kind was made; part of the message of upstream. */
const SCHEME = 'k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30';
/** Of the groups whose servers upstream puts beside that of all others: they know no kind of another group. */
const OWN_SCHEMES = new Map([
  ['apiextensions.k8s.io', 'k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55'],
  ['apiregistration.k8s.io', 'k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28'],
]);

/** A kind in one version, and the form that objects of it have. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly form: ObjectForm;
  /** Other group-versions whose objects are taken for the same. */
  readonly alsoAccepts?: readonly string[];
}

export function versionMissing(document: string): string {
  return `Object 'apiVersion' is missing in '${document}'`;
}

export function kindMissing(document: string): string {
  return `Object 'Kind' is missing in '${document}'`;
}

/**
 * Why an object that says it is of a kind is none that is expected, in any version; what it does not say is no fault.
 * @param read reads it as what it says it is: what it throws is found wrong first
 */
export function kindMismatch(
  kind: string,
  apiVersion: string,
  expected: ExpectedKind,
  read: (type: StructType) => void,
): string | undefined {
  if (expected.form.type === undefined) return undefined;
  try {
    const other = otherType(kind || expected.kind, apiVersion || apiVersionOf(expected), expected);
    if (!other || (kind || expected.kind) === expected.kind) return undefined;
    read(other);
    return unknownConversion(other, expected);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Undefined for what is expected. @throws Error where there is no such kind */
export function otherType(kind: string, apiVersion: string, expected: ExpectedKind): StructType | undefined {
  const isVersion = apiVersion === apiVersionOf(expected) || expected.alsoAccepts?.includes(apiVersion);
  if (kind === expected.kind && isVersion) return undefined;
  const { group, version } = parseApiVersion(apiVersion);
  const scheme = OWN_SCHEMES.get(expected.group);
  const type = scheme && group !== expected.group ? undefined : typeOfKind(group, version, kind);
  if (type) return type;
  throw new Error(
    `no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(scheme ?? SCHEME)}`,
  );
}

export function unknownConversion(other: StructType, { form, kind }: ExpectedKind): string {
  return `converting (${other.goName}) to (${internalGroup(form.type!)}.${kind}): unknown conversion`;
}

/** Go's package of the internal type: `core` of `io.k8s.api.core.v1.ConfigMap`. */
function internalGroup({ name }: StructType): string {
  return name.split('.').at(-3)!;
}
