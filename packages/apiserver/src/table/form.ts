/**
 * The other forms in which a client may ask for objects, by the parameters of its Accept header: a Table of printable
 * columns, or metadata alone (k8s.io/apiserver/pkg/endpoints/handlers/response.go).
 */
import { metadataInOrder } from '@keelson/api/codec/order';
import { badRequest, StatusError } from '@keelson/api/errors';
import { invalid, Path } from '@keelson/api/field';
import type { GroupVersionKind, KubeObject } from '@keelson/api/object';
import type { MediaType, Restrictions } from '../http/negotiate.ts';
import { withoutFieldAnnotations } from '../registry/fieldannotations.ts';

export type MetaVersion = 'v1' | 'v1beta1';

export type Form =
  | { readonly kind: 'Object' }
  | { readonly kind: 'Table'; readonly version: MetaVersion }
  | { readonly kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList'; readonly version: MetaVersion };

/** What a table's rows hold of their objects. */
export type IncludeObject = 'Metadata' | 'Object' | 'None';

const KINDS: readonly string[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'];

/** For endpoints of resources; a Table is not to be had in protobuf, nor of what is only answered and never stored. */
export function restrictionsFor(mediaTypes: readonly MediaType[], hasTable = true): Restrictions {
  return {
    allowsConversion(convert, mediaType) {
      if (convert === undefined) return mediaTypes.includes(mediaType);
      const form = formOf(convert);
      if (form === undefined) return false;
      return form.kind !== 'Table' || (hasTable && mediaType !== 'application/vnd.kubernetes.protobuf');
    },
  };
}

/** The form that was negotiated; undefined for one that there is not. */
export function formOf(convert: GroupVersionKind | undefined): Form | undefined {
  if (convert === undefined) return { kind: 'Object' };
  const { group, version, kind } = convert;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1') || !KINDS.includes(kind)) return undefined;
  return { kind: kind as 'Table', version };
}

/** `?includeObject=` @throws StatusError 400 */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? '';
  switch (value) {
    case '':
      return 'Metadata';
    case 'Metadata':
    case 'Object':
    case 'None':
      return value;
    default: {
      const error = invalid(Path.of('includeObject'), value, "must be 'Metadata', 'Object', 'None', or empty");
      throw badRequest(`Unable to convert to Table as requested: ${error}`);
    }
  }
}

/** What Go calls custom objects. */
export const UNSTRUCTURED = 'unstructured.Unstructured';

/**
 * Whether the form suits what is answered with: a list is no PartialObjectMetadata, an object no list of them.
 * @param goType of the object or its list, see {@link internalGoType}
 * @throws StatusError 406, 500
 */
export function checkForm(form: Form, isList: boolean, goType: string): void {
  if (form.kind === 'PartialObjectMetadata' && isList) throw misfit(form.kind, `a list (*${goType})`);
  if (form.kind === 'PartialObjectMetadataList' && !isList) {
    // What may be a list by its type is asked for its items.
    if (goType === UNSTRUCTURED) throw new StatusError(500, '', 'content is not a list');
    throw misfit(form.kind, `not a list (*${goType})`);
  }
}

function misfit(asked: string, is: string): StatusError {
  return new StatusError(406, 'NotAcceptable', `you requested ${asked}, but the requested object is ${is}`);
}

/** What Go calls a built-in kind inside the server: `core.PodList`, `rbac.ClusterRole`. */
export function internalGoType(group: string, kind: string): string {
  if (group === '' || group === 'events.k8s.io') return `core.${kind}`;
  const name = group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : group.split('.')[0];
  return `${name}.${kind}`;
}

/**
 * The object's metadata under the kind PartialObjectMetadata.
 * @param hidden annotations that are left out
 */
export function toPartialObjectMetadata(
  { metadata: given }: KubeObject,
  version: MetaVersion,
  hidden: readonly string[] = [],
): KubeObject {
  const metadata = metadataInOrder(withoutFieldAnnotations(given, hidden));
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata };
}
