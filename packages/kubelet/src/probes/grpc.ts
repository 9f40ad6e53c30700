/** The health check of gRPC (grpc.health.v1), with upstream's words (k8s.io/kubernetes/pkg/probe/grpc). */
import { joinHostPort } from '@keelson/component/go/net';
import { RpcClient } from '@keelson/component/grpc/client';
import { RpcError } from '@keelson/component/grpc/errors';
import { Service } from '@keelson/component/grpc/service';
import type { ProbeOutcome } from './run.ts';

const health = new Service<{ Check: [{ service: string }, { status: string | number }] }>(
  {
    nested: {
      grpc: {
        nested: {
          health: {
            nested: {
              v1: {
                nested: {
                  Health: {
                    methods: { Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' } },
                  },
                  HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                  HealthCheckResponse: {
                    fields: { status: { type: 'ServingStatus', id: 1 } },
                    nested: {
                      ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
  'grpc.health.v1.Health',
);

/** Asks by the protocol of grpc.health.v1 (pkg/probe/grpc). */
export async function probeGrpc(host: string, service: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  const address = joinHostPort(host, port);
  const client = new RpcClient(address, { userAgent: 'kube-probe/1.36' });
  try {
    const { status } = await client.call(health, 'Check', { service }, { timeoutMs });
    return outcomeOf(status);
  } catch (error) {
    if (error instanceof RpcError) return failed(error, address, timeoutMs);
    throw error;
  } finally {
    client.close();
  }
}

function outcomeOf(status: string | number): ProbeOutcome {
  if (status === 'SERVING') return { type: 'success', output: 'service healthy' };
  return { type: 'failure', output: `service unhealthy (responded with "${status}")` };
}

function failed(error: RpcError, address: string, timeoutMs: number): ProbeOutcome {
  const seconds = `${timeoutMs / 1000}s`;
  switch (error.codeName) {
    case 'Unimplemented':
      return {
        type: 'failure',
        output: 'this server does not implement the grpc health protocol (grpc.health.v1.Health)',
      };
    case 'DeadlineExceeded':
      return { type: 'failure', output: `timeout: health rpc did not complete within ${seconds}` };
    case 'Unavailable':
      return {
        type: 'failure',
        output: `timeout: failed to connect service "${address}" within ${seconds}: context deadline exceeded`,
      };
  }
  return { type: 'failure', output: `error: health rpc probe failed: ${error.message}` };
}
