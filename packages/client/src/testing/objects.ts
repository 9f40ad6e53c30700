import type { TypedObject } from '@keelson/api/object';
import type { WireRequest } from '../rest/transport.ts';
import type { Answer } from './transport.ts';

/** The objects of one collection, with the API server's rules about names and resourceVersions; no watch. */
export class FakeObjects {
  readonly objects = new Map<string, TypedObject>();
  #revision = 0;

  answer({ method, path, body }: WireRequest): Answer {
    const sent = body && (JSON.parse(Buffer.from(body).toString(), withoutDirectives) as TypedObject);
    const name = method === 'POST' ? sent!.metadata.name! : decodeURIComponent(path.split('?')[0]!.split('/').at(-1)!);
    const current = this.objects.get(name);
    if (method === 'POST' ? current : !current) {
      return method === 'POST' ? failure(409, 'AlreadyExists') : failure(404, 'NotFound');
    }
    if (method === 'GET') return { body: current! };
    const expected = sent!.metadata?.resourceVersion;
    if (method === 'PUT' && expected && expected !== current!.metadata.resourceVersion) return failure(409, 'Conflict');
    const next = method === 'PATCH' ? { ...current!, ...sent! } : sent!;
    this.#revision += 1;
    const metadata = { ...current?.metadata, ...next.metadata, resourceVersion: String(this.#revision) };
    const stored = { ...next, metadata };
    this.objects.set(name, stored);
    return { body: stored };
  }
}

/** All lists of patches are put in the place of those before, as some say of themselves. */
function withoutDirectives(_: string, value: unknown): unknown {
  return Array.isArray(value) ? value.filter((item) => item?.$patch !== 'replace') : value;
}

function failure(code: number, reason: string): Answer {
  return { status: code, body: { kind: 'Status', status: 'Failure', code, reason, message: reason } };
}
