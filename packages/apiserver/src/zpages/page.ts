/** What /flagz and /statusz have in common: a text for people, or an object of config.k8s.io for programs that ask for it. */
import { type Answer, headerOf, type PathRequest } from '../http/answer.ts';
import { encodeDocument } from '../http/encode.ts';
import { negotiate, notAcceptable, type Restrictions, wantsPretty } from '../http/negotiate.ts';

const GROUP = 'config.k8s.io';
const VERSIONS: ReadonlySet<string> = new Set(['v1alpha1', 'v1beta1']);
const DEPRECATED = 'v1alpha1';
type PageType = 'application/json' | 'application/yaml' | 'text/plain';
const MEDIA_TYPES: readonly PageType[] = ['application/json', 'application/yaml', 'text/plain'];

export interface Page {
  /** Of the path, in lower case also its name. */
  readonly kind: 'Flagz' | 'Statusz';
  /** How the program calls itself there: `apiserver`. */
  readonly component: string;
  /** Below the heading. */
  readonly text: () => string;
  /** The object's fields, besides kind, apiVersion and metadata. */
  readonly fields: () => object;
}

/** Undefined for other paths. @throws StatusError 406 */
export function servePage(
  { kind, component, text, fields }: Page,
  request: Omit<PathRequest, 'user'>,
): Answer | undefined {
  const name = kind.toLowerCase();
  if (request.path !== `/${name}`) return undefined;
  const accept = headerOf(request.headers, 'accept').trim();
  const plain = { mediaType: 'text/plain', convert: undefined, pretty: false } as const;
  const restrictions: Restrictions<PageType> = {
    allowsConversion: (convert, mediaType) =>
      mediaType === 'text/plain'
        ? convert === undefined
        : convert?.group === GROUP && VERSIONS.has(convert.version) && convert.kind === kind,
  };
  const output = accept === '' ? plain : negotiate(accept, restrictions, MEDIA_TYPES);
  if (output === undefined) throw notAcceptable(MEDIA_TYPES);
  const { mediaType, convert } = output;
  if (mediaType === 'text/plain' || convert === undefined) {
    const body = `\n${component} ${name}\n${WARNING}\n${text()}`;
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
  }
  const { version } = convert;
  const object = { kind, apiVersion: `${GROUP}/${version}`, metadata: { name: component }, ...fields() };
  const pretty = output.pretty || wantsPretty(request.query, headerOf(request.headers, 'user-agent'));
  const note = `299 - "This version of the ${name} endpoint is deprecated. Please use a newer version."`;
  return {
    status: 200,
    headers: {
      'content-type': `${mediaType};g=${GROUP};v=${version};as=${kind}`,
      ...(version === DEPRECATED ? { warning: note } : {}),
    },
    body: encodeDocument(object, mediaType, pretty),
  };
}

const WARNING =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
