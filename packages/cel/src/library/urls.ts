/** URLs (k8s.io/apiserver/pkg/cel/library/urls.go). */
import { scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { failure } from '../eval/errors.ts';
import { ArrayList, ValueMap } from '../eval/values.ts';
import { BoolType, listType, mapType, StringType } from '../types/type.ts';
import { fixedCost, textCost } from './costs.ts';
import { fn, member, overload } from './declare.ts';
import { escapedPath, type GoUrl, hostname, parseUrl, port, problemOfRequestUri, query, UrlError } from './go-url.ts';
import { objectType, Wrapped } from './opaque.ts';

const UrlType = objectType('kubernetes.URL');

export class UrlValue extends Wrapped<GoUrl> {
  readonly type = UrlType;
  protected key(): string {
    const { path: _, ...shown } = this.value;
    return JSON.stringify(shown);
  }
}

function parse(text: string): UrlValue {
  try {
    return new UrlValue(parseUrl(text));
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    throw failure(`URL parse error during conversion from string: ${error.message}`);
  }
}

function isUrl(text: string): boolean {
  return problemOfRequestUri(text) === undefined;
}

function part(name: string, id: string, get: (url: GoUrl) => string) {
  const overloads = [member(id, [UrlType], StringType, (url: UrlValue) => get(url.value))];
  return fn(name, overloads, { cost: fixedCost(1) });
}

export const URLS: Declarations = {
  functions: [
    fn('url', [overload('string_to_url', [StringType], UrlType, parse)], {
      cost: {
        ...textCost(),
        estimate: ({ args: [text] }) => text && { cost: scaled(text.size, TRAVERSAL), size: text.size },
      },
    }),
    fn('isURL', [overload('is_url_string', [StringType], BoolType, isUrl)]),
    part('getScheme', 'url_get_scheme', (url) => url.scheme),
    part('getHost', 'url_get_host', (url) => url.host),
    part('getHostname', 'url_get_hostname', hostname),
    part('getPort', 'url_get_port', port),
    part('getEscapedPath', 'url_get_escaped_path', escapedPath),
    fn(
      'getQuery',
      [
        member('url_get_query', [UrlType], mapType(StringType, listType(StringType)), (url: UrlValue) => {
          return new ValueMap([...query(url.value)].map(([name, values]) => [name, new ArrayList(values)] as const));
        }),
      ],
      { cost: fixedCost(1) },
    ),
  ],
};
