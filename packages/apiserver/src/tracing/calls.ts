import type { AroundCall } from '@keelson/storage/etcd/connection';
import { serverOf, type Tracing } from './index.ts';

/** Calls to etcd, as upstream's otelgrpc has them; those that nobody waits for, too. */
export function tracedCalls(tracing: Tracing): AroundCall {
  return (method, endpoint, run) => {
    const attributes = {
      'rpc.method': method,
      'rpc.system.name': 'grpc',
      ...serverOf(endpoint.replace(/^[a-z]+:\/\/|\/$/g, '')),
    };
    return tracing.call(method, attributes, async (headers, span) => {
      const answer = await run(headers);
      span.set({ 'rpc.response.status_code': 'OK' });
      return answer;
    });
  };
}
