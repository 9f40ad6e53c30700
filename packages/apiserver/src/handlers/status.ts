/** A Status as an answer, in the representation that the client can read. */

import { encodeJson } from '@keelson/api/codec/json';
import { encodeProtobuf } from '@keelson/api/codec/protobuf';
import { encodeYaml } from '@keelson/api/codec/yaml';
import type { RequestContext } from '../context.ts';
import { headerOf } from '../http/answer.ts';
import { type Negotiated, negotiate, wantsPretty } from '../http/negotiate.ts';

/**
 * Where nothing but another form than the object's own is accepted, it is indented JSON.
 * @param output what the request has been promised, for which a Status will do in any form; absent: for errors, which have none
 */
export function statusBody(
  ctx: RequestContext,
  status: object,
  output: Negotiated | undefined = negotiate(headerOf(ctx.exchange.headers, 'accept')),
): { contentType: string; body: Buffer } {
  const { exchange, info } = ctx;
  switch (output?.mediaType) {
    case 'application/yaml':
      return { contentType: output.mediaType, body: encodeYaml(status) };
    case 'application/vnd.kubernetes.protobuf':
      return { contentType: output.mediaType, body: encodeProtobuf(status) };
    default: {
      const pretty = !output || output.pretty || wantsPretty(info.query, headerOf(exchange.headers, 'user-agent'));
      return { contentType: 'application/json', body: jsonBody(status, pretty) };
    }
  }
}

/** JSON with Go's line feed at the end of the plain form. */
function jsonBody(value: object, pretty: boolean): Buffer {
  return pretty ? encodeJson(value, true) : Buffer.concat([encodeJson(value), LINE_FEED]);
}

const LINE_FEED = Buffer.from('\n');
